// vk_test.h — cmocka with a device: set-up, tear-down, and checks of statuses.
#ifndef TESTS_VK_TEST_H
#define TESTS_VK_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "tests/device.h"

#define assert_ok(expr) do {                                                            \
        vkc_status ok_st = (expr);                                                      \
        if (ok_st != VKC_OK)                                                            \
            fail_msg("%s: %s: %s [%s]", #expr, vkc_status_str(ok_st), vkc_last_error(), \
                     vkc_last_error_place());                                           \
    } while (0)
#define assert_status(expr, want) do {                                                  \
        vkc_status want_st = (expr);                                                    \
        if (want_st != (want))                                                          \
            fail_msg("%s: got %s, want %s", #expr, vkc_status_str(want_st), vkc_status_str(want)); \
    } while (0)

// Group set-up: *state = the device.
static inline int test_device_setup(void **state)
{
    *state = test_device_open();
    return 0;
}

// Group tear-down: no validation message may have come.
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
