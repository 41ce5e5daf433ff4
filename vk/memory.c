// memory.c — buffers in blocks of device memory; small buffers share blocks.
#include "vk/headroom.h"
#include "vk/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARED_BLOCK ((size_t) 4 << 20)
#define SHARED_LIMIT ((size_t) 512 << 10)   // larger buffers get a block of their own

#define CHECKED      ((size_t) 64 << 20)    // larger ones are held against what the host has free

// ---- memory types

// How well a memory type suits an intent; negative = not at all.
static int score(const vkc_device *dev, vkc_mem intent, VkMemoryPropertyFlags f)
{
    bool local = f & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, cached = f & VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    bool mapped = (f & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) && (f & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
    bool one_memory = dev->info.type == VKC_TYPE_INTEGRATED || dev->info.type == VKC_TYPE_SOFTWARE;
    // Types for special uses (protected, lazily allocated, uncached on the device) are never ours.
    VkMemoryPropertyFlags usual = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                  VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    if (f & ~usual)
        return -1;
    switch (intent) {
    case VKC_MEM_DEVICE: return 4 * local + 2 * (mapped == one_memory) + (one_memory && cached);
    case VKC_MEM_UPLOAD: return mapped ? 2 * (local == one_memory) + !cached : -1;
    case VKC_MEM_READBACK: return mapped ? 2 * cached + (local == one_memory) : -1;
    }
    return -1;
}

static bool find_type(const vkc_device *dev, vkc_mem intent, uint32_t allowed, uint32_t *type)
{
    int best = -1;
    for (uint32_t i = 0; i < dev->memory.memoryTypeCount; i++) {
        int s = allowed & (1u << i) ? score(dev, intent, dev->memory.memoryTypes[i].propertyFlags) : -1;
        if (s > best)
            best = s, *type = i;
    }
    return best >= 0;
}

static uint64_t available(vkc_device *dev, uint32_t heap)
{
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT,
    };
    VkPhysicalDeviceMemoryProperties2 props = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2 };
    uint64_t size = dev->memory.memoryHeaps[heap].size;
    uint64_t left = size > dev->in_use ? size - dev->in_use : 0;
    if (dev->info.type == VKC_TYPE_SOFTWARE) {          // its heap is a number that means nothing: memory is the host's
        left = vkc__headroom_host(dev->in_use);
    } else if (vkc_device_has(dev, VKC_FEATURE_MEMORY_BUDGET)) {
        props.pNext = &budget;
        vkGetPhysicalDeviceMemoryProperties2(dev->physical, &props);
        left = budget.heapBudget[heap] > budget.heapUsage[heap]
                   ? budget.heapBudget[heap] - budget.heapUsage[heap] : 0;
    }
    if (dev->max_memory) {
        uint64_t own = dev->max_memory > dev->in_use ? dev->max_memory - dev->in_use : 0;
        left = own < left ? own : left;
    }
    return left;
}

// ---- blocks

static void block_destroy(vkc_device *dev, vkc__block *block)
{
    vkc__block **at = &dev->blocks;
    while (*at && *at != block)
        at = &(*at)->next;
    if (*at)
        *at = block->next;
    vkFreeMemory(dev->vk, block->memory, NULL);     // unmaps, too
    free(block);
}

static vkc_status block_create(vkc_device *dev, uint32_t type, size_t size, bool shared, vkc__block **out)
{
    vkc_status st;
    vkc__block *block = calloc(1, sizeof *block);
    if (!block)
        return VKC_FAIL(VKC_E_NOMEM, "out of host memory while making a buffer");
    block->size = size;
    block->type = type;
    block->shared = shared;
    VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = size,
        .memoryTypeIndex = type,
    };
    VKC_TRY(vkc__check(dev, vkAllocateMemory(dev->vk, &info, NULL, &block->memory), "allocating memory"));
    VkMemoryPropertyFlags flags = dev->memory.memoryTypes[type].propertyFlags;
    if ((flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) && (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)) {
        void *map = NULL;
        VKC_TRY(vkc__check(dev, vkMapMemory(dev->vk, block->memory, 0, VK_WHOLE_SIZE, 0, &map), "mapping memory"));
        block->map = map;
    }
    block->next = dev->blocks;
    dev->blocks = block;
    *out = block, block = NULL;
done:
    if (block)
        block_destroy(dev, block);
    return st;
}

// Puts `buf` into the first gap of `block` that holds it.
static bool place(vkc__block *block, vkc_buffer *buf, const VkMemoryRequirements *need)
{
    size_t align = (size_t) need->alignment, at = 0;
    vkc_buffer **link = &block->buffers;
    for (;; link = &(*link)->next) {
        size_t end = *link ? (*link)->offset : block->size;
        if (at <= end && end - at >= need->size)
            break;
        if (!*link)
            return false;
        at = (*link)->offset + (*link)->taken;
        at = (at + align - 1) / align * align;
    }
    buf->offset = at;
    buf->next = *link;
    buf->block = block;
    *link = buf;
    return true;
}

static vkc_status find_place(vkc_device *dev, vkc_buffer *buf, const VkMemoryRequirements *need, uint32_t type)
{
    bool shared = need->size <= SHARED_LIMIT;
    buf->taken = (size_t) need->size;
    for (vkc__block *b = dev->blocks; shared && b; b = b->next)
        if (b->shared && b->type == type && place(b, buf, need))
            return VKC_OK;
    vkc__block *block = NULL;
    vkc_status st = block_create(dev, type, shared ? SHARED_BLOCK : buf->taken, shared, &block);
    if (st == VKC_OK)
        place(block, buf, need);
    return st;
}

void vkc__memory_finish(vkc_device *dev)
{
    while (dev->blocks)
        block_destroy(dev, dev->blocks);
}

// ---- buffers

// "3.2 GiB"
static void print_size(char out[32], uint64_t bytes)
{
    const double mib = (double) bytes / (1 << 20);
    snprintf(out, 32, mib < 1024 ? "%.1f MiB" : "%.1f GiB", mib < 1024 ? mib : mib / 1024);
}

vkc_status vkc_check_memory(vkc_device *dev, const char *what, uint64_t size)
{
    const uint64_t left = vkc_memory_get_info(dev).available;
    char need[32], there[32];
    if (size <= left)
        return VKC_OK;
    print_size(need, size);
    print_size(there, left);
    return VKC_FAIL(VKC_E_DEVMEM, "%s %s of device memory, and %s has %s free", what, need, dev->info.name, there);
}

static vkc_status out_of_memory(vkc_device *dev, const char *name, uint64_t size, uint32_t type)
{
    uint64_t left = available(dev, dev->memory.memoryTypes[type].heapIndex);
    return VKC_FAIL(VKC_E_DEVMEM, "buffer \"%s\": needed %llu bytes of device memory, available about %llu "
                    "(%llu in use)", name, (unsigned long long) size, (unsigned long long) left,
                    (unsigned long long) dev->in_use);
}

static vkc_status buffer_init(vkc_buffer *buf, const char *name)
{
    vkc_device *dev = buf->dev;
    vkc_status st;
    uint32_t type = 0;
    VkBufferCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = buf->size,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT |
                 VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT |
                 VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    };
    st = vkc__check(dev, vkCreateBuffer(dev->vk, &info, NULL, &buf->vk), "making a buffer");
    if (st != VKC_OK)
        return st;
    vkc__name(dev, VK_OBJECT_TYPE_BUFFER, (uint64_t) buf->vk, name);
    VkMemoryRequirements need;
    vkGetBufferMemoryRequirements(dev->vk, buf->vk, &need);
    if (!find_type(dev, buf->intent, need.memoryTypeBits, &type))
        return VKC_FAIL(VKC_E_UNSUPPORTED, "buffer \"%s\": the device has no memory for it", name);
    if (buf->intent == VKC_MEM_DEVICE && dev->max_memory && dev->in_use + need.size > dev->max_memory)
        return out_of_memory(dev, name, need.size, type);
    if (dev->info.type == VKC_TYPE_SOFTWARE && need.size >= CHECKED && need.size > available(dev, 0))
        return out_of_memory(dev, name, need.size, type);
    st = vkc__headroom_check("making a buffer", VKC__COMPILE_MIB, need.size);
    if (st == VKC_OK)
        st = find_place(dev, buf, &need, type);
    if (st == VKC_E_DEVMEM)
        return out_of_memory(dev, name, need.size, type);
    if (st != VKC_OK)
        return st;
    if (buf->intent == VKC_MEM_DEVICE) {
        dev->in_use += buf->taken;
        dev->peak = dev->in_use > dev->peak ? dev->in_use : dev->peak;
    }
    buf->map = buf->block->map ? buf->block->map + buf->offset : NULL;
    buf->cached = dev->memory.memoryTypes[type].propertyFlags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    return vkc__check(dev, vkBindBufferMemory(dev->vk, buf->vk, buf->block->memory, buf->offset),
                      "binding a buffer");
}

vkc_status vkc_buffer_create(vkc_device *dev, vkc_mem intent, size_t size, const char *name, vkc_buffer **out)
{
    vkc_status st = vkc__check_alive(dev);
    if (st != VKC_OK)
        return st;
    if (!name)
        name = "unnamed";
    size_t limit = vkc_max_buffer(dev);
    if (size == 0)
        return VKC_FAIL(VKC_E_ARG, "buffer \"%s\": size is 0", name);
    if (size > limit)
        return VKC_FAIL(VKC_E_ARG, "buffer \"%s\": %zu bytes, but %s takes at most %zu in one buffer (%s)", name, size,
                        dev->info.name, limit, dev->info.max_buffer_limit);
    vkc_buffer *buf = calloc(1, sizeof *buf);
    if (!buf)
        return VKC_FAIL(VKC_E_NOMEM, "buffer \"%s\": out of host memory", name);
    buf->dev = dev;
    buf->intent = intent;
    buf->size = (size + 15) / 16 * 16;
    buf->serial = dev->next_serial++;
    st = buffer_init(buf, name);
    if (st == VKC_OK)
        *out = buf;
    else
        vkc_buffer_destroy(buf);
    return st;
}

void vkc_buffer_destroy(vkc_buffer *buf)
{
    if (!buf)
        return;
    vkc_device *dev = buf->dev;
    vkDestroyBuffer(dev->vk, buf->vk, NULL);
    if (buf->block) {
        vkc_buffer **at = &buf->block->buffers;
        while (*at != buf)
            at = &(*at)->next;
        *at = buf->next;
        if (!buf->block->buffers)
            block_destroy(dev, buf->block);
        if (buf->intent == VKC_MEM_DEVICE)
            dev->in_use -= buf->taken;
    }
    free(buf);
}

void *vkc_buffer_map(vkc_buffer *buf)
{
    return buf->intent == VKC_MEM_DEVICE ? NULL : buf->map;
}

size_t vkc_buffer_size(const vkc_buffer *buf)
{
    return buf->size;
}

vkc_slice vkc_slice_of(vkc_buffer *buf)
{
    return (vkc_slice) { buf, 0, buf->size };
}

size_t vkc_align(const vkc_device *dev, size_t size)
{
    size_t align = dev->info.offset_align;
    return (size + align - 1) / align * align;
}

size_t vkc_max_buffer(const vkc_device *dev)
{
    const uint64_t most = dev->info.max_buffer & ~(uint64_t) 15;
    return (size_t) (most < VKC__MAX_BUFFER ? most : VKC__MAX_BUFFER);
}

size_t vkc_max_bind(const vkc_device *dev)
{
    const size_t range = (size_t) (dev->info.max_storage_range & ~(uint64_t) 15), most = vkc_max_buffer(dev);
    return range < most ? range : most;
}

size_t vkc_block_size(const vkc_device *dev)
{
    return vkc_max_bind(dev) < VKC_BLOCK ? vkc_max_bind(dev) : VKC_BLOCK;
}

static vkc_status check_size(const vkc_device *dev, const char *what, size_t size, size_t most, const char *verb,
                             const char *limit)
{
    if (size <= most)
        return VKC_OK;
    return VKC_FAIL(VKC_E_UNSUPPORTED, "%s needs %zu MiB; %s %s at most %zu MiB %s", what, ((size - 1) >> 20) + 1,
                    dev->info.name, verb, most >> 20, limit);
}

vkc_status vkc_check_bind(const vkc_device *dev, const char *what, size_t size)
{
    return check_size(dev, what, size, vkc_max_bind(dev), "binds", "at once (maxStorageBufferRange)");
}

vkc_status vkc_check_buffer(const vkc_device *dev, const char *what, size_t size)
{
    char limit[64];
    snprintf(limit, sizeof limit, "in one buffer (%s)", dev->info.max_buffer_limit);
    return check_size(dev, what, size, vkc_max_buffer(dev), "takes", limit);
}

vkc_memory_info vkc_memory_get_info(vkc_device *dev)
{
    uint32_t type = 0;
    find_type(dev, VKC_MEM_DEVICE, UINT32_MAX, &type);
    uint32_t heap = dev->memory.memoryTypes[type].heapIndex;
    return (vkc_memory_info) { .in_use = dev->in_use, .peak = dev->peak, .available = available(dev, heap) };
}

vkc_status vkc__slice_check(vkc_device *dev, vkc_slice s, const char *what)
{
    if (!s.buf)
        return VKC_FAIL(VKC_E_ARG, "%s: no buffer", what);
    if (s.buf->dev != dev)
        return VKC_FAIL(VKC_E_ARG, "%s: the buffer belongs to another device", what);
    if (s.offset > s.buf->size || s.size > s.buf->size - s.offset)
        return VKC_FAIL(VKC_E_ARG, "%s: bytes %zu to %zu of a buffer of %zu", what, s.offset, s.offset + s.size,
                        s.buf->size);
    return VKC_OK;
}
