// pipeline_run.h — pipelines as tests run them: told of everything, stopped where it suits, and silent.
#ifndef TESTS_PIPELINE_RUN_H
#define TESTS_PIPELINE_RUN_H

#include "tests/device_dir.h"

#include "nn/base/files.h"
#include "pipeline/base/context.h"
#include "pipeline/train/train.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA "synth:ringed-digit,train=24,val=16,test=16"
#ifndef ARCH
#define ARCH "vit:image=16,patch=4,dim=16,depth=2,heads=2"
#endif

typedef struct listener {           // the user of a context
    const char *stop_in;            // stop at call `stop_at` of the progress whose `what` is this; NULL = never
    uint32_t    stop_at, calls;     // calls of that
    uint32_t    told[PIPELINE_STOPPED + 1];
    char        last[4096];         // sentence
    bool        is_odd;             // a sentence had a name of an option in it, or a place in the sources
} listener;

static inline bool listen_progress(void *user, const nn_progress *p)
{
    listener *l = (listener *) user;
    assert_non_null(p->what);
    return !l->stop_in || strcmp(p->what, l->stop_in) != 0 || l->calls++ < l->stop_at;
}

static inline void listen_notice(void *user, pipeline_notice kind, const char *sentence)
{
    listener *l = (listener *) user;
    l->told[kind]++;
    l->is_odd = l->is_odd || strstr(sentence, "--") || strstr(sentence, ".c:");
    snprintf(l->last, sizeof l->last, "%s", sentence);
}

static inline pipeline_context listen_context(vkc_device *dev, listener *l)
{
    return (pipeline_context) { .dev = dev, .progress = listen_progress, .notify = listen_notice, .user = l };
}

// What a call writes to standard output and standard error goes to a file.
typedef struct silence { int out, err, file; } silence;

static inline silence silence_begin(void)
{
    char path[64];
    snprintf(path, sizeof path, "%s/written", dir);
    fflush(stdout);
    fflush(stderr);
    silence s = { dup(1), dup(2), open(path, O_RDWR | O_CREAT | O_TRUNC, 0600) };
    assert_true(s.out >= 0 && s.err >= 0 && s.file >= 0);
    assert_true(dup2(s.file, 1) == 1 && dup2(s.file, 2) == 2);
    return s;
}

static inline void silence_end(silence s)
{
    char text[256] = "";
    fflush(stdout);
    fflush(stderr);
    dup2(s.out, 1);
    dup2(s.err, 2);
    close(s.out);
    close(s.err);
    lseek(s.file, 0, SEEK_SET);
    ssize_t n = read(s.file, text, sizeof text - 1);
    close(s.file);
    assert_true(n >= 0);
    assert_string_equal(text, "");
}

static inline const char *in_dir(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", dir, name);
    return out;
}

static inline bool is_there(const char *folder, const char *name)
{
    char path[256];
    struct stat s;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &s) == 0;
}

// The weights of two model folders are the same, byte by byte.
static inline void assert_same_weights(const char *a, const char *b)
{
    unsigned char *x[2];
    size_t size[2];
    const char *folder[2] = { a, b };
    for (int i = 0; i < 2; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/model.safetensors", folder[i]);
        assert_ok(nn_file_load(path, 1 << 24, &x[i], &size[i]));
    }
    assert_int_equal(size[0], size[1]);
    assert_memory_equal(x[0], x[1], size[0]);
    free(x[0]);
    free(x[1]);
}

// A model that other tests start from, trained once.
static inline void make_teacher(vkc_device *dev, const nn_dataset *data, const char *out)
{
    listener l = { .stop_at = 0 };
    const pipeline_context c = listen_context(dev, &l);
    pipeline_train_params p = PIPELINE_TRAIN_DEFAULTS;
    pipeline_train_result r;
    p.arch = ARCH;
    p.data = (pipeline_data) { .set = data, .batch = 8, .threads = 2 };
    p.place.out = out;
    p.epochs = 1;
    assert_ok(pipeline_train(&c, &p, &r));
    pipeline_train_finish(&r);
}

#endif
