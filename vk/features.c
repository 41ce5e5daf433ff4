// features.c — what a device can do beyond the floor, and opening it with that.
#include "vk/internal.h"

#include <stdlib.h>
#include <string.h>

typedef struct extension_list {
    VkExtensionProperties *all;
    uint32_t n;
} extension_list;

// Without memory to ask with, nothing is known of what there is: an extension that seems to be missing would mean other
// kernels, and other bits.
static vkc_status list_extensions(VkPhysicalDevice dev, extension_list *l)
{
    static const char what[] = "listing a device's extensions";
    *l = (extension_list) { NULL, 0 };
    VkResult res = vkEnumerateDeviceExtensionProperties(dev, NULL, &l->n, NULL);
    if (res != VK_SUCCESS || l->n == 0) {
        l->n = 0;
        return vkc__check_memory(res, what);
    }
    l->all = calloc(l->n, sizeof *l->all);
    res = l->all ? vkEnumerateDeviceExtensionProperties(dev, NULL, &l->n, l->all) : VK_ERROR_OUT_OF_HOST_MEMORY;
    if (res >= VK_SUCCESS)
        return VKC_OK;
    free(l->all);
    *l = (extension_list) { NULL, 0 };
    return vkc__check_memory(res, what);
}

static bool has(const extension_list *l, const char *name)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (strcmp(l->all[i].extensionName, name) == 0)
            return true;
    return false;
}

vkc_status vkc__extension_find(VkPhysicalDevice dev, const char *name, bool *found)
{
    extension_list l;
    const vkc_status st = list_extensions(dev, &l);
    *found = has(&l, name);
    free(l.all);
    return st;
}

// The structures that are chained both to ask for features and to switch them on.
typedef struct feature_chain {
    VkPhysicalDeviceFeatures2 core;
    VkPhysicalDeviceVulkan11Features v11;
    VkPhysicalDeviceVulkan12Features v12;
    VkPhysicalDeviceSubgroupSizeControlFeaturesEXT subgroup;
    vkc__coopmat_features coopmat;
    vkc__fault_features fault;
} feature_chain;

static void chain_init(feature_chain *c, bool subgroup, bool coopmat, bool fault)
{
    *c = (feature_chain) {
        .core.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
        .v11.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
        .v12.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .subgroup.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT,
        .coopmat.sType = VKC__COOPMAT_FEATURES_TYPE,
        .fault.sType = VKC__FAULT_FEATURES_TYPE,
    };
    void *next = NULL;
    if (subgroup)
        c->subgroup.pNext = next, next = &c->subgroup;
    if (coopmat)
        c->coopmat.pNext = next, next = &c->coopmat;
    if (fault)
        c->fault.pNext = next, next = &c->fault;
    c->v12.pNext = next;
    c->v11.pNext = &c->v12;
    c->core.pNext = &c->v11;
}

vkc_status vkc__features_get(VkPhysicalDevice dev, uint32_t timestamp_bits, uint32_t *features)
{
    extension_list ext;
    feature_chain c;
    const vkc_status st = list_extensions(dev, &ext);
    if (st != VKC_OK)
        return st;
    bool sized = has(&ext, VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
    chain_init(&c, sized, has(&ext, VKC__COOPMAT_EXT), has(&ext, VKC__FAULT_EXT));
    vkGetPhysicalDeviceFeatures2(dev, &c.core);

    VkPhysicalDeviceSubgroupSizeControlPropertiesEXT sizes = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES_EXT,
    };
    VkPhysicalDeviceSubgroupProperties subgroup = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES,
        .pNext = sized ? &sizes : NULL,
    };
    VkPhysicalDeviceProperties2 props = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
        .pNext = &subgroup,
    };
    vkGetPhysicalDeviceProperties2(dev, &props);

    uint32_t f = 0;
    const VkSubgroupFeatureFlags ops = VK_SUBGROUP_FEATURE_ARITHMETIC_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_BIT;
    if ((subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT) &&
        (subgroup.supportedOperations & ops) == ops)
        f |= VKC_FEATURE_SUBGROUP_ARITHMETIC;
    if (sized && c.subgroup.subgroupSizeControl &&
        (sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT))
        f |= VKC_FEATURE_SUBGROUP_SIZE;
    if (c.v12.shaderFloat16 && c.v11.storageBuffer16BitAccess)
        f |= VKC_FEATURE_FP16;
    if (timestamp_bits && props.properties.limits.timestampPeriod > 0)
        f |= VKC_FEATURE_TIMESTAMPS;
    if (has(&ext, VK_EXT_MEMORY_BUDGET_EXTENSION_NAME))
        f |= VKC_FEATURE_MEMORY_BUDGET;
    // With the memory model on, atomics at device scope (GLSL's default) need the second feature.
    if (c.coopmat.cooperativeMatrix && c.v12.vulkanMemoryModel && c.v12.vulkanMemoryModelDeviceScope)
        f |= VKC_FEATURE_COOPMAT;
    if (c.fault.deviceFault)
        f |= VKC_FEATURE_DEVICE_FAULT;
    free(ext.all);
    *features = f;
    return VKC_OK;
}

vkc_status vkc__device_open(vkc_device *dev)
{
    uint32_t f = dev->info.features;
    feature_chain c;
    chain_init(&c, f & VKC_FEATURE_SUBGROUP_SIZE, f & VKC_FEATURE_COOPMAT, f & VKC_FEATURE_DEVICE_FAULT);
    c.v12.timelineSemaphore = VK_TRUE;
    c.v12.shaderFloat16 = c.v11.storageBuffer16BitAccess = (f & VKC_FEATURE_FP16) != 0;
    c.v12.vulkanMemoryModel = c.v12.vulkanMemoryModelDeviceScope = c.coopmat.cooperativeMatrix =
        (f & VKC_FEATURE_COOPMAT) != 0;
    c.subgroup.subgroupSizeControl = c.fault.deviceFault = VK_TRUE;

    const char *names[4];
    uint32_t n = 0;
    if (f & VKC_FEATURE_SUBGROUP_SIZE)
        names[n++] = VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME;
    if (f & VKC_FEATURE_MEMORY_BUDGET)
        names[n++] = VK_EXT_MEMORY_BUDGET_EXTENSION_NAME;
    if (f & VKC_FEATURE_COOPMAT)
        names[n++] = VKC__COOPMAT_EXT;
    if (f & VKC_FEATURE_DEVICE_FAULT)
        names[n++] = VKC__FAULT_EXT;

    float priority = 1.0f;
    VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = dev->queue_family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &c.core,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = n,
        .ppEnabledExtensionNames = names,
    };
    VkResult res = vkCreateDevice(dev->physical, &info, NULL, &dev->vk);
    if (res != VK_SUCCESS) {
        dev->vk = VK_NULL_HANDLE;
        return vkc__check(dev, res, "opening the device");
    }
    vkGetDeviceQueue(dev->vk, dev->queue_family, 0, &dev->queue);
    if (f & VKC_FEATURE_DEVICE_FAULT)
        dev->get_fault = (vkc__fault_fn) vkGetDeviceProcAddr(dev->vk, "vkGetDeviceFaultInfoEXT");
    return VKC_OK;
}
