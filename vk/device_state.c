// device_state.c — what is known of an open device: what it has, whether it was lost, what a VkResult means.
#include "vk/internal.h"

static void log_fault(vkc_device *dev)
{
    vkc__fault_counts counts = { .sType = VKC__FAULT_COUNTS_TYPE };
    vkc__fault_info fault = { .sType = VKC__FAULT_INFO_TYPE };
    if (dev->get_fault && dev->get_fault(dev->vk, &counts, &fault) >= VK_SUCCESS)
        vkc__log_write(&dev->log, VKC_LOG_ERROR, "device lost: %s", fault.description);
}

void vkc__lose(vkc_device *dev)
{
    dev->lost = true;
}

vkc_status vkc__check(vkc_device *dev, VkResult res, const char *what)
{
    if (res >= VK_SUCCESS)
        return VKC_OK;
    if (res == VK_ERROR_DEVICE_LOST) {
        if (!dev->lost && dev->vk)
            log_fault(dev);
        vkc__lose(dev);
        return VKC_FAIL(VKC_E_LOST, "the device was lost while %s", what);
    }
    const vkc_status st = vkc__check_memory(res, what);
    return st != VKC_OK ? st : VKC_FAIL(VKC_E_UNSUPPORTED, "the driver failed while %s (VkResult %d)", what, (int) res);
}

vkc_status vkc__check_alive(const vkc_device *dev)
{
    return dev->lost ? VKC_FAIL(VKC_E_LOST, "the device was lost earlier") : VKC_OK;
}

void vkc__name(vkc_device *dev, VkObjectType type, uint64_t handle, const char *name)
{
    if (!dev->set_name || !name || !handle)
        return;
    VkDebugUtilsObjectNameInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
        .objectType = type,
        .objectHandle = handle,
        .pObjectName = name,
    };
    dev->set_name(dev->vk, &info);
}

const vkc_device_info *vkc_device_get_info(const vkc_device *dev)
{
    return &dev->info;
}

bool vkc_device_has(const vkc_device *dev, uint32_t feature)
{
    return (dev->info.features & feature) == feature;
}

bool vkc_device_is_lost(const vkc_device *dev)
{
    return dev->lost;
}

void vkc_device_set_user(vkc_device *dev, void *user, void (*finish)(void *user))
{
    dev->user = user;
    dev->finish_user = finish;
}

void *vkc_device_get_user(const vkc_device *dev)
{
    return dev->user;
}

uint32_t vkc_device_validation_count(const vkc_device *dev)
{
    return vkc__log_count(&dev->log);
}

void vkc_device_on_compile(vkc_device *dev, vkc_compile_fn fn, void *user, vkc_compile_fn *before, void **before_user)
{
    if (before)
        *before = dev->on_compile;
    if (before_user)
        *before_user = dev->on_compile_user;
    dev->on_compile = fn;
    dev->on_compile_user = user;
}
