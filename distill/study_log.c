// study_log.c — a file of JSON lines, read once and added to.
#include "distill/study_log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nn/files.h"
#include "nn/json.h"

#define MAX_LOG ((size_t) 64 << 20)
#define MAX_LINE_VALUES ((size_t) 1 << 20)

struct distill_study_log {
    char    path[NN_PATH_MAX];
    int     file;
    json_t *lines;                  // array of objects
};

static vkc_status append(const distill_study_log *log, const char *text)
{
    const size_t len = strlen(text);
    for (size_t at = 0; at < len;) {
        ssize_t n = write(log->file, text + at, len - at);
        if (n >= 0)
            at += (size_t) n;
        else if (errno != EINTR)
            return VKC_FAIL(VKC_E_IO, "cannot write %s: %s", log->path, strerror(errno));
    }
    return VKC_OK;
}

static vkc_status read_lines(distill_study_log *log, bool *is_cut)
{
    unsigned char *text = NULL;
    size_t size = 0;
    *is_cut = false;
    if (!nn_is_file(log->path))
        return VKC_OK;
    vkc_status st = nn_file_load(log->path, MAX_LOG, &text, &size);
    for (size_t at = 0; st == VKC_OK && at < size;) {
        const unsigned char *end = (const unsigned char *) memchr(text + at, '\n', size - at);
        const size_t len = end ? (size_t) (end - (text + at)) : size - at;
        json_t *line = NULL;
        if (end && nn_json_read("study log", (const char *) text + at, len, MAX_LINE_VALUES, &line) == VKC_OK &&
            json_is_object(line))
            json_array_append(log->lines, line);
        json_decref(line);
        *is_cut = end == NULL;
        at += len + 1;
    }
    free(text);
    return st;
}

vkc_status distill_study_log_create(const char *path, distill_study_log **out)
{
    vkc_status st = VKC_OK;
    bool is_cut;
    distill_study_log *log = (distill_study_log *) calloc(1, sizeof *log);
    if (!log || !(log->lines = json_array())) {
        free(log);
        return VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    }
    log->file = -1;
    if (strlen(path) >= sizeof log->path) {
        st = VKC_FAIL(VKC_E_ARG, "the path of the study's log is too long");
        goto done;
    }
    memcpy(log->path, path, strlen(path) + 1);
    VKC_TRY(read_lines(log, &is_cut));
    log->file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log->file < 0) {
        st = VKC_FAIL(VKC_E_IO, "cannot write %s: %s", path, strerror(errno));
        goto done;
    }
    if (is_cut)
        VKC_TRY(append(log, "\n"));
    *out = log;
    log = NULL;
done:
    distill_study_log_destroy(log);
    return st;
}

void distill_study_log_destroy(distill_study_log *log)
{
    if (!log)
        return;
    if (log->file >= 0)
        close(log->file);
    json_decref(log->lines);
    free(log);
}

static bool has_all(json_t *line, json_t *key)
{
    const char *name;
    json_t *value;
    json_object_foreach(key, name, value)
        if (!json_equal(json_object_get(line, name), value))
            return false;
    return true;
}

const json_t *distill_study_log_get(const distill_study_log *log, json_t *key)
{
    const json_t *found = NULL;
    for (size_t i = log && key ? json_array_size(log->lines) : 0; i > 0 && !found; i--)
        if (has_all(json_array_get(log->lines, i - 1), key))
            found = json_array_get(log->lines, i - 1);
    json_decref(key);
    return found;
}

vkc_status distill_study_log_write(distill_study_log *log, json_t *key, json_t *value)
{
    vkc_status st = VKC_OK;
    char *text = NULL;
    if (key && value && json_object_update(key, value) != 0)
        st = VKC_FAIL(VKC_E_NOMEM, "study: out of host memory");
    if (st == VKC_OK && log) {
        text = key ? json_dumps(key, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
        st = text ? append(log, text) : VKC_FAIL(VKC_E_NOMEM, "study: out of host memory, or a name is not UTF-8");
        if (st == VKC_OK)
            st = append(log, "\n");
        if (st == VKC_OK)
            json_array_append(log->lines, key);
    }
    free(text);
    json_decref(key);
    json_decref(value);
    return st;
}
