// device_dir.h — a device and a folder for one test program: cmocka group set-up and tear-down.
#ifndef TESTS_DEVICE_DIR_H
#define TESTS_DEVICE_DIR_H

#include "tests/temp_dir.h"
#include "tests/vk/vk_test.h"

static inline int device_dir_set_up(void **state)
{
    return temp_dir_set_up(state) ? -1 : test_device_setup(state);
}

static inline int device_dir_tear_down(void **state)
{
    return temp_dir_tear_down(state) ? -1 : test_device_teardown(state);
}

#endif
