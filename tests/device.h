// device.h — open the device under test; validation messages fail the test that made them.
//
// PARE_DEVICE chooses, PARE_VALIDATE=1 turns validation on. Without any device a test program ends
// with 77 (skipped), unless PARE_REQUIRE_DEVICE is set.
#ifndef TESTS_DEVICE_H
#define TESTS_DEVICE_H

#include "vk/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>

// Sanitizers know drivers and layers by their library's name, which they lose when it is unloaded:
// an instance that is never destroyed keeps them.
static inline void test_keep_loaded(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    static VkInstance kept;
    const char *validate = getenv("PARE_VALIDATE"), *layer = "VK_LAYER_KHRONOS_validation";
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .enabledLayerCount = validate && *validate == '1',
        .ppEnabledLayerNames = &layer,
    };
    if (!kept && vkCreateInstance(&info, NULL, &kept) != VK_SUCCESS)
        kept = VK_NULL_HANDLE;
#endif
}

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
    test_keep_loaded();
    vkc_status st = vkc_device_create(&p, &dev);
    if (st == VKC_OK)
        return dev;
    fprintf(stderr, "no device: %s\n", vkc_last_error());
    exit(st == VKC_E_NODEVICE && !getenv("PARE_REQUIRE_DEVICE") ? 77 : 1);
}

#endif
