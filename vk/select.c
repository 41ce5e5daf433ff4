// select.c — list usable devices in the one order, and find the one a person means.
#include "vk/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *vkc_device_type_name(vkc_device_type type)
{
    switch (type) {
    case VKC_TYPE_DISCRETE: return "discrete";
    case VKC_TYPE_INTEGRATED: return "integrated";
    case VKC_TYPE_VIRTUAL: return "virtual";
    case VKC_TYPE_OTHER: return "other";
    case VKC_TYPE_SOFTWARE: return "software";
    }
    return "other";
}

static vkc_device_type type_of(VkPhysicalDeviceType type)
{
    if (type == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU)
        return VKC_TYPE_DISCRETE;
    if (type == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU)
        return VKC_TYPE_INTEGRATED;
    if (type == VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU)
        return VKC_TYPE_VIRTUAL;
    return type == VK_PHYSICAL_DEVICE_TYPE_CPU ? VKC_TYPE_SOFTWARE : VKC_TYPE_OTHER;
}

// Adds the features named in a comma-separated list.
static vkc_status add_disabled(const char *list, uint32_t *mask)
{
    static const char *const names[] = {
#define X(id, name, text) name,
        VKC_FEATURE_MAP(X)
#undef X
    };
    while (list && *list) {
        size_t len = strcspn(list, ", ");
        uint32_t i = 0;
        while (i < VKC_FEATURE_COUNT && (strlen(names[i]) != len || memcmp(names[i], list, len) != 0))
            i++;
        if (len > 0 && i == VKC_FEATURE_COUNT)
            return VKC_FAIL(VKC_E_ARG, "unknown feature \"%.*s\" to switch off; known are subgroup, subgroup_size, "
                            "fp16, timestamps, memory_budget, coopmat, device_fault", (int) len, list);
        if (len > 0)
            *mask |= 1u << i;
        list += len + (list[len] != '\0');
    }
    return VKC_OK;
}

vkc_status vkc__disabled_get(const char *disable, uint32_t *mask)
{
    *mask = 0;
    vkc_status st = add_disabled(disable, mask);
    return st == VKC_OK ? add_disabled(getenv("PARE_DISABLE"), mask) : st;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void fill_text(vkc_device_info *info, const VkPhysicalDeviceProperties *p,
                      const VkPhysicalDeviceDriverProperties *driver, const uint8_t *uuid)
{
    snprintf(info->name, sizeof info->name, "%s", p->deviceName);
    snprintf(info->driver, sizeof info->driver, "%s", driver->driverName);
    snprintf(info->driver_info, sizeof info->driver_info, "%s", driver->driverInfo);
    snprintf(info->api, sizeof info->api, "%u.%u.%u", VK_API_VERSION_MAJOR(p->apiVersion),
             VK_API_VERSION_MINOR(p->apiVersion), VK_API_VERSION_PATCH(p->apiVersion));
    char *s = info->uuid;
    for (unsigned i = 0; i < VK_UUID_SIZE; i++)
        s += snprintf(s, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}

static void fill_limits(vkc_device_info *info, const VkPhysicalDeviceLimits *l)
{
    info->shared_bytes = l->maxComputeSharedMemorySize;
    info->max_invocations = l->maxComputeWorkGroupInvocations;
    memcpy(info->max_groups, l->maxComputeWorkGroupCount, sizeof info->max_groups);
    info->max_bindings = min_u32(l->maxPerStageDescriptorStorageBuffers, l->maxDescriptorSetStorageBuffers);
    info->offset_align = (uint32_t) l->minStorageBufferOffsetAlignment;
    if (info->offset_align < l->minTexelBufferOffsetAlignment)
        info->offset_align = (uint32_t) l->minTexelBufferOffsetAlignment;
    if (info->offset_align < 4)
        info->offset_align = 4;
    info->max_texels = l->maxTexelBufferElements;
    info->max_storage_range = l->maxStorageBufferRange;
}

// *usable: false when this device misses the floor.
static vkc_status describe(VkPhysicalDevice dev, uint32_t disabled, vkc__candidate *c, bool *usable)
{
    vkc_status st;
    bool has_limit;
    *usable = false;
    VkPhysicalDeviceProperties first;
    vkGetPhysicalDeviceProperties(dev, &first);
    if (first.apiVersion < VK_API_VERSION_1_2)
        return VKC_OK;
    VkPhysicalDeviceVulkan12Features v12 = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES };
    VkPhysicalDeviceFeatures2 features = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, .pNext = &v12 };
    vkGetPhysicalDeviceFeatures2(dev, &features);
    if (!v12.timelineSemaphore)
        return VKC_OK;

    VkQueueFamilyProperties families[32];
    uint32_t n = 32, family = 0;
    vkGetPhysicalDeviceQueueFamilyProperties(dev, &n, families);
    while (family < n && !(families[family].queueFlags & VK_QUEUE_COMPUTE_BIT))
        family++;
    if (family == n)
        return VKC_OK;

    VkPhysicalDeviceSubgroupProperties subgroup = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES };
    VkPhysicalDeviceDriverProperties driver = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES, .pNext = &subgroup,
    };
    VkPhysicalDeviceMaintenance3Properties allocation = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES, .pNext = &driver,
    };
    VkPhysicalDeviceMaintenance4Properties buffer = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES, .pNext = &allocation,
    };
    VkPhysicalDeviceIDProperties id = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES };
    VKC_TRY(vkc__extension_find(dev, VK_KHR_MAINTENANCE_4_EXTENSION_NAME, &has_limit));
    id.pNext = has_limit ? (void *) &buffer : (void *) &allocation;
    VkPhysicalDeviceProperties2 props = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &id };
    vkGetPhysicalDeviceProperties2(dev, &props);

    const VkPhysicalDeviceProperties *p = &props.properties;
    *c = (vkc__candidate) { .vk = dev, .queue_family = family, .timestamp_bits = families[family].timestampValidBits };
    vkc_device_info *info = &c->info;
    fill_text(info, p, &driver, id.deviceUUID);
    fill_limits(info, &p->limits);
    info->max_buffer = allocation.maxMemoryAllocationSize;
    info->max_buffer_limit = "maxMemoryAllocationSize";
    if (has_limit && buffer.maxBufferSize < info->max_buffer) {
        info->max_buffer = buffer.maxBufferSize;
        info->max_buffer_limit = "maxBufferSize";
    }
    info->type = type_of(p->deviceType);
    info->vendor_id = p->vendorID;
    info->device_id = p->deviceID;
    info->subgroup_size = subgroup.subgroupSize ? subgroup.subgroupSize : 1;
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(dev, &memory);
    for (uint32_t i = 0; i < memory.memoryHeapCount; i++)
        if ((memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) &&
            memory.memoryHeaps[i].size > info->memory_bytes)
            info->memory_bytes = memory.memoryHeaps[i].size;
    VKC_TRY(vkc__features_get(dev, c->timestamp_bits, &info->features));
    info->features &= ~disabled;
    info->timestamp_ns = info->features & VKC_FEATURE_TIMESTAMPS ? (double) p->limits.timestampPeriod : 0;
    *usable = true;
done:
    return st;
}

vkc_status vkc__candidates_get(const vkc__instance *inst, uint32_t disabled, vkc__candidate **out, uint32_t *n_out)
{
    vkc_status st = VKC_OK;
    VkPhysicalDevice *all = NULL;
    vkc__candidate *found = NULL, *sorted = NULL;
    uint32_t n = 0, n_found = 0, n_sorted = 0;
    VkResult res = vkEnumeratePhysicalDevices(inst->vk, &n, NULL);
    VKC_TRY(vkc__check_memory(res, "listing devices"));
    if (res != VK_SUCCESS || n == 0)
        return VKC_FAIL(VKC_E_NODEVICE, "no Vulkan driver found a device");
    all = calloc(n, sizeof *all);
    found = calloc(n, sizeof *found);
    sorted = calloc(n, sizeof *sorted);
    if (!all || !found || !sorted) {
        st = VKC_FAIL(VKC_E_NOMEM, "out of host memory while listing devices");
        goto done;
    }
    res = vkEnumeratePhysicalDevices(inst->vk, &n, all);
    VKC_TRY(vkc__check_memory(res, "listing devices"));
    if (res < VK_SUCCESS)
        n = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool usable;
        VKC_TRY(describe(all[i], disabled, &found[n_found], &usable));
        n_found += usable;
    }
    for (int type = VKC_TYPE_DISCRETE; type <= VKC_TYPE_SOFTWARE; type++)
        for (uint32_t i = 0; i < n_found; i++)
            if ((int) found[i].info.type == type) {
                sorted[n_sorted] = found[i];
                sorted[n_sorted].info.index = n_sorted;
                n_sorted++;
            }
    if (n_sorted == 0)
        st = VKC_FAIL(VKC_E_NODEVICE, "%u Vulkan device(s), but none has Vulkan 1.2 with compute", n);
done:
    free(all);
    free(found);
    if (st == VKC_OK)
        *out = sorted, *n_out = n_sorted;
    else
        free(sorted);
    return st;
}

static bool equal_nocase(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (tolower((unsigned char) a[i]) != tolower((unsigned char) b[i]))
            return false;
    return true;
}

static bool contains(const char *text, const char *part)
{
    size_t len = strlen(part), n = strlen(text);
    for (size_t i = 0; i + len <= n; i++)
        if (equal_nocase(text + i, part, len))
            return true;
    return false;
}

// A whole number is an index and nothing else: names have numbers in them, too.
static bool is_index(const char *s, uint32_t *index)
{
    uint64_t v = 0;
    if (!*s || s[strspn(s, "0123456789")])
        return false;
    for (; *s && v <= UINT32_MAX; s++)
        v = v * 10 + (uint64_t) (*s - '0');
    *index = v < UINT32_MAX ? (uint32_t) v : UINT32_MAX;
    return true;
}

// "0: llvmpipe (software); 1: ..."
static void list_devices(const vkc_device_info *infos, uint32_t n, char *list, size_t size)
{
    size_t used = 0;
    list[0] = '\0';
    for (uint32_t i = 0; i < n && used + 1 < size; i++) {
        int w = snprintf(list + used, size - used, "%s%u: %s (%s)", i ? "; " : "", i, infos[i].name,
                         vkc_device_type_name(infos[i].type));
        used += w > 0 ? (size_t) w : 0;
    }
}

// A uuid or a whole name wins over a part of a name. The first of *hits.
static uint32_t find_name(const char *select, const vkc_device_info *infos, uint32_t n, uint32_t *hits)
{
    const size_t len = strlen(select);
    uint32_t hit = 0;
    *hits = 0;
    for (int part = 0; part < 2 && *hits == 0; part++)
        for (uint32_t i = n; i-- > 0;) {
            const char *name = infos[i].name;
            bool whole = (len == strlen(name) && equal_nocase(name, select, len)) ||
                         (len == strlen(infos[i].uuid) && equal_nocase(infos[i].uuid, select, len));
            if (part ? contains(name, select) : whole)
                hit = i, ++*hits;
        }
    return hit;
}

vkc_status vkc__match(const char *select, const vkc_device_info *infos, uint32_t n, uint32_t *index)
{
    char list[2048];
    uint32_t hits = 0;
    if (!select || !*select)
        select = getenv("PARE_DEVICE");
    if (!select || !*select) {
        *index = 0;
        return VKC_OK;
    }
    list_devices(infos, n, list, sizeof list);
    uint32_t hit;
    if (is_index(select, &hit)) {
        if (hit >= n)
            return VKC_FAIL(VKC_E_NODEVICE, "there is no device %.20s; these are there: %s", select, list);
        *index = hit;
        return VKC_OK;
    }
    hit = find_name(select, infos, n, &hits);
    if (hits > 1)
        return VKC_FAIL(VKC_E_NODEVICE, "device \"%.200s\" could be %u of these: %s", select, hits, list);
    if (hits == 0)
        return VKC_FAIL(VKC_E_NODEVICE, "no device is called \"%.200s\"; these are there: %s", select, list);
    *index = hit;
    return VKC_OK;
}

vkc_status vkc_devices_list(const char *disable, vkc_device_info **out, uint32_t *n_out)
{
    vkc_status st;
    vkc__instance inst = { 0 };
    vkc__log silent = { 0 };
    vkc__candidate *all = NULL;
    vkc_device_info *infos = NULL;
    uint32_t disabled, n = 0;
    VKC_TRY(vkc__disabled_get(disable, &disabled));
    VKC_TRY(vkc__instance_init(&inst, false, &silent));
    VKC_TRY(vkc__candidates_get(&inst, disabled, &all, &n));
    infos = calloc(n, sizeof *infos);
    if (!infos) {
        st = VKC_FAIL(VKC_E_NOMEM, "out of host memory while listing devices");
        goto done;
    }
    for (uint32_t i = 0; i < n; i++)
        infos[i] = all[i].info;
    *out = infos, *n_out = n;
done:
    free(all);
    vkc__instance_finish(&inst);
    return st;
}
