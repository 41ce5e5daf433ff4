// api_test.h — the public interface as tests use it: a data set (DATA), a pare_device, the model of ringed digits, a
// folder, callbacks.
#ifndef TESTS_API_TEST_H
#define TESTS_API_TEST_H

#include <pare/pare.h>

#include "tests/device.h"
#include "tests/temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define MODEL "models/ringed-digit"

static pare_data *data;             // DATA
static pare_device *device;
static pare_model *model;

#define assert_st(want, call) check_status((want), (call), #call, __LINE__)

static inline void check_status(pare_status want, pare_status st, const char *call, int line)
{
    if (st != want)
        fail_msg("line %d: %s gave %d, want %d: %s", line, call, (int) st, (int) want, pare_last_error());
}

// What was refused is refused in words, and these are among them.
#define assert_refused(call, words) check_refused((call), #call, (words), __LINE__)

static inline void check_refused(pare_status st, const char *call, const char *words, int line)
{
    if (st != PARE_E_ARG || !strstr(pare_last_error(), words))
        fail_msg("line %d: %s gave %d, \"%s\", want \"%s\"", line, call, (int) st, pare_last_error(), words);
}

// The validation layer's complaints are warnings of the device.
static uint32_t n_complaints;

static inline void complain(void *user, pare_notice kind, const char *sentence)
{
    (void) user;
    if (kind == PARE_WARNING) {
        fprintf(stderr, "%s\n", sentence);
        n_complaints++;
    }
}

static inline int api_set_up(void **state)
{
    pare_device_options o = pare_device_options_default();
    test_keep_loaded();
    o.notice = complain;
    pare_status st = pare_device_open(&o, &device);
    if (st != PARE_OK) {
        print_error("no device: %s\n", pare_last_error());
        exit(st == PARE_E_NODEVICE && !getenv("PARE_REQUIRE_DEVICE") ? 77 : 1);
    }
    return temp_dir_set_up(state) || pare_data_open(DATA, &data) != PARE_OK ||
           pare_model_load(device, MODEL, NULL, &model) != PARE_OK;
}

static inline int api_tear_down(void **state)
{
    pare_model_close(model);
    pare_device_close(device);
    pare_data_close(data);
    return temp_dir_tear_down(state) || n_complaints > 0;
}

static inline const char *in_dir(const char *name)
{
    static char path[8][256];
    static int n;
    n = (n + 1) % 8;
    snprintf(path[n], sizeof path[n], "%s/%s", dir, name);
    return path[n];
}

typedef struct heard {              // the user of callbacks
    const char *stop_in;            // call `stops_at` of the progress whose `what` is this, or of any, says stop
    int      calls, stops_at;
    uint64_t done, total;
    char     what[32];
    int      notices[PARE_KEPT + 1];
    char     last[1024];
} heard;

static inline int progress(void *user, const pare_progress *p)
{
    heard *h = (heard *) user;
    assert_int_equal(p->size, sizeof *p);
    assert_true(p->what && p->unit && p->note);
    if (*p->what)
        snprintf(h->what, sizeof h->what, "%s", p->what);
    h->done = p->done;
    h->total = p->total;
    return (h->stop_in && strcmp(h->stop_in, p->what) != 0) || ++h->calls != h->stops_at;
}

static inline void notice(void *user, pare_notice kind, const char *sentence)
{
    heard *h = (heard *) user;
    h->notices[kind]++;
    snprintf(h->last, sizeof h->last, "%s", sentence);
}

static inline pare_callbacks callbacks_of(heard *h)
{
    pare_callbacks c = pare_callbacks_default();
    c.progress = progress;
    c.notice = notice;
    c.user = h;
    return c;
}

#endif
