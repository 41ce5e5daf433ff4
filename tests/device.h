// device.h — tests open their device here; validation messages fail the test.
#ifndef TESTS_DEVICE_H
#define TESTS_DEVICE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "vk/device.h"

#define TEST_SKIP 77    // exit code that CTest shows as skipped

#define assert_ok(expr) do {                                                            \
        vkc_status ok_st = (expr);                                                      \
        if (ok_st != VKC_OK)                                                            \
            fail_msg("%s: %s: %s", #expr, vkc_status_str(ok_st), vkc_last_error());     \
    } while (0)
#define assert_status(expr, want) do {                                                  \
        vkc_status want_st = (expr);                                                    \
        if (want_st != (want))                                                          \
            fail_msg("%s: got %s, want %s", #expr, vkc_status_str(want_st), vkc_status_str(want)); \
    } while (0)

static inline void test_log(void *user, vkc_log_level level, const char *msg)
{
    (void) user;
    if (level <= VKC_LOG_WARN)
        fprintf(stderr, "[log] %s\n", msg);
}

// Opens the device chosen by PARE_DEVICE with `params` (NULL = defaults, no cache on disk).
// Validation follows PARE_VALIDATE.
static inline vkc_status test_device_create(const vkc_device_params *params, vkc_device **dev)
{
    vkc_device_params p = { .cache_dir = "" };
    if (params)
        p = *params;
    if (!p.log)
        p.log = test_log;
    return vkc_device_create(&p, dev);
}

// cmocka group setup: *state = the device. Exits with 77 when there is none, unless
// PARE_REQUIRE_DEVICE is set.
static inline int test_device_setup(void **state)
{
    vkc_device *dev = NULL;
    vkc_status st = test_device_create(NULL, &dev);
    if (st == VKC_E_NODEVICE && !getenv("PARE_REQUIRE_DEVICE")) {
        fprintf(stderr, "skipped: %s\n", vkc_last_error());
        exit(TEST_SKIP);
    }
    if (st != VKC_OK)
        fprintf(stderr, "%s: %s\n", vkc_status_str(st), vkc_last_error());
    *state = dev;
    return st == VKC_OK ? 0 : -1;
}

// cmocka group teardown: no validation message may have come.
static inline int test_device_teardown(void **state)
{
    vkc_device *dev = *state;
    uint32_t n = vkc_device_validation_count(dev);
    vkc_device_destroy(dev);
    if (n)
        fprintf(stderr, "%u validation messages\n", n);
    return n ? -1 : 0;
}

#endif
