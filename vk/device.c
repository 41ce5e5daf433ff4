// device.c — open and close a device. What is known of one that is open is in device_state.c.
#include "vk/internal.h"
#include "vk/cache.h"
#include "vk/compile/compile.h"

#include <stdlib.h>
#include <string.h>

static bool wants_validation(const vkc_device_params *params)
{
    const char *env = getenv("PARE_VALIDATE");
    return params->validate || (env && *env && strcmp(env, "0") != 0);
}

static double budget_of(const vkc_device_params *params, vkc_device_type type)
{
    if (params->budget_ms > 0)
        return params->budget_ms;
    if (type == VKC_TYPE_DISCRETE)
        return 50;
    return type == VKC_TYPE_SOFTWARE ? 500 : 100;
}

static vkc_status choose(vkc_device *dev, const vkc_device_params *params, uint32_t disabled)
{
    vkc_status st;
    vkc__candidate *all = NULL;
    vkc_device_info *infos = NULL;
    uint32_t n = 0, i = 0;
    VKC_TRY(vkc__candidates_get(&dev->instance, disabled, &all, &n));
    infos = calloc(n, sizeof *infos);
    if (!infos) {
        st = VKC_FAIL(VKC_E_NOMEM, "out of host memory while choosing a device");
        goto done;
    }
    for (uint32_t j = 0; j < n; j++)
        infos[j] = all[j].info;
    VKC_TRY(vkc__match(params->select, infos, n, &i));
    dev->info = all[i].info;
    dev->physical = all[i].vk;
    dev->queue_family = all[i].queue_family;
    dev->timestamp_bits = all[i].timestamp_bits;
done:
    free(infos);
    free(all);
    return st;
}

vkc_status vkc_device_create(const vkc_device_params *params, vkc_device **out)
{
    static const vkc_device_params defaults = { 0 };
    vkc_status st;
    uint32_t disabled;
    if (!params)
        params = &defaults;
    vkc_device *dev = calloc(1, sizeof *dev);
    if (!dev)
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory while opening a device");
    dev->log = (vkc__log) { .fn = params->log, .user = params->log_user };
    dev->max_memory = params->max_memory;
    dev->stopped = params->stopped;
    VKC_TRY(vkc__compile_init(dev));
    VKC_TRY(vkc__disabled_get(params->disable, &disabled));
    VKC_TRY(vkc__instance_init(&dev->instance, wants_validation(params), &dev->log));
    VKC_TRY(choose(dev, params, disabled));
    dev->budget_ms = budget_of(params, dev->info.type);
    VkPhysicalDeviceProperties props;
    vkGetPhysicalDeviceProperties(dev->physical, &props);
    dev->limits = props.limits;
    vkGetPhysicalDeviceMemoryProperties(dev->physical, &dev->memory);
    VKC_TRY(vkc__device_open(dev));
    if (dev->instance.has_debug_utils)
        dev->set_name = (PFN_vkSetDebugUtilsObjectNameEXT) vkGetDeviceProcAddr(dev->vk,
                                                                               "vkSetDebugUtilsObjectNameEXT");
    VKC_TRY(vkc__submit_init(dev));
    VKC_TRY(vkc__cache_open(dev, params->cache_dir));
    vkc__log_write(&dev->log, VKC_LOG_INFO, "device %u: %s (%s, %s %s)", dev->info.index, dev->info.name,
                   vkc_device_type_name(dev->info.type), dev->info.driver, dev->info.driver_info);
    *out = dev, dev = NULL;
done:
    vkc_device_destroy(dev);
    return st;
}

void vkc_device_destroy(vkc_device *dev)
{
    if (!dev)
        return;
    vkc__compile_finish(dev);
    if (dev->vk) {
        vkDeviceWaitIdle(dev->vk);
        vkc__cache_close(dev);
        vkc__kernels_finish(dev);
        vkc__submit_finish(dev);
        vkc__memory_finish(dev);
        vkDestroyDevice(dev->vk, NULL);
    }
    vkc__instance_finish(&dev->instance);
    if (dev->finish_user)
        dev->finish_user(dev->user);
    free(dev);
}
