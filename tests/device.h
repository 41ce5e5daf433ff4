// device.h — open the device under test; validation messages fail the test that made them.
//
// PARE_DEVICE chooses, PARE_VALIDATE=1 turns validation on. Without any device a test program ends
// with 77 (skipped), unless PARE_REQUIRE_DEVICE is set.
#ifndef TESTS_DEVICE_H
#define TESTS_DEVICE_H

#include "vk/device.h"

#include <stdio.h>
#include <stdlib.h>

static inline void test_log(void *user, vkc_log_level level, const char *msg)
{
    (void) user;
    if (level <= VKC_LOG_WARN)
        fprintf(stderr, "%s\n", msg);
}

static inline vkc_device *test_device_open(void)
{
    vkc_device *dev = NULL;
    vkc_device_params p = { .log = test_log };
    vkc_status st = vkc_device_create(&p, &dev);
    if (st == VKC_OK)
        return dev;
    fprintf(stderr, "no device: %s\n", vkc_last_error());
    exit(st == VKC_E_NODEVICE && !getenv("PARE_REQUIRE_DEVICE") ? 77 : 1);
}

#endif
