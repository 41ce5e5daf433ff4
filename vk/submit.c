// submit.c — the queue, its timeline, and blocking transfers.
#include "vk/headroom.h"
#include "vk/internal.h"
#include "vk/recording.h"

#include <string.h>

#define STAGES (VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT | \
                VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT)

void vkc__barrier(VkCommandBuffer cmd)
{
    VkMemoryBarrier all = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                         VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_INDIRECT_COMMAND_READ_BIT,
    };
    vkCmdPipelineBarrier(cmd, STAGES, STAGES, 0, 1, &all, 0, NULL, 0, NULL);
}

void vkc__barrier_host(VkCommandBuffer cmd)
{
    VkMemoryBarrier all = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_HOST_READ_BIT | VK_ACCESS_HOST_WRITE_BIT,
    };
    vkCmdPipelineBarrier(cmd, STAGES, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &all, 0, NULL, 0, NULL);
}

vkc_status vkc__submit_init(vkc_device *dev)
{
    VkSemaphoreTypeCreateInfo type = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
        .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
    };
    VkSemaphoreCreateInfo semaphore = { .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type };
    vkc_status st = vkc__check(dev, vkCreateSemaphore(dev->vk, &semaphore, NULL, &dev->timeline),
                               "making the timeline");
    if (st != VKC_OK)
        return st;
    VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT | VK_COMMAND_POOL_CREATE_TRANSIENT_BIT,
        .queueFamilyIndex = dev->queue_family,
    };
    st = vkc__check(dev, vkCreateCommandPool(dev->vk, &pool, NULL, &dev->pool), "making a command pool");
    if (st != VKC_OK)
        return st;
    VkCommandBufferAllocateInfo cmd = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = dev->pool,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    return vkc__check(dev, vkAllocateCommandBuffers(dev->vk, &cmd, &dev->transfer), "making a command buffer");
}

void vkc__submit_finish(vkc_device *dev)
{
    vkc_buffer_destroy(dev->upload);
    vkc_buffer_destroy(dev->readback);
    dev->upload = dev->readback = NULL;
    vkDestroyCommandPool(dev->vk, dev->pool, NULL);
    vkDestroySemaphore(dev->vk, dev->timeline, NULL);
}

vkc_status vkc__submit(vkc_device *dev, VkCommandBuffer cmd)
{
    vkc_status st = vkc__headroom_check("submitting work", VKC__COMPILE_MIB, 0);    // lavapipe compiles only now
    if (st != VKC_OK)
        return st;
    uint64_t value = dev->submitted + 1;
    VkTimelineSemaphoreSubmitInfo timeline = {
        .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
        .signalSemaphoreValueCount = 1,
        .pSignalSemaphoreValues = &value,
    };
    VkSubmitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .pNext = &timeline,
        .commandBufferCount = 1,
        .pCommandBuffers = &cmd,
        .signalSemaphoreCount = 1,
        .pSignalSemaphores = &dev->timeline,
    };
    st = vkc__check(dev, vkQueueSubmit(dev->queue, 1, &info, VK_NULL_HANDLE), "submitting work");
    if (st == VKC_OK)
        dev->submitted = value;
    return st;
}

vkc_status vkc_wait(vkc_device *dev, uint64_t ticket)
{
    vkc_status st = vkc__check_alive(dev);
    if (st != VKC_OK)
        return st;
    if (ticket > dev->submitted)
        return VKC_FAIL(VKC_E_ARG, "wait: ticket %llu, but only %llu were given out", (unsigned long long) ticket,
                        (unsigned long long) dev->submitted);
    if (ticket == 0)
        ticket = dev->submitted;
    VkSemaphoreWaitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
        .semaphoreCount = 1,
        .pSemaphores = &dev->timeline,
        .pValues = &ticket,
    };
    return vkc__check(dev, vkWaitSemaphores(dev->vk, &info, UINT64_MAX), "waiting for the device");
}

vkc_status vkc__wait_for(vkc_device *dev, uint32_t ms, bool *is_done)
{
    VkSemaphoreWaitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
        .semaphoreCount = 1,
        .pSemaphores = &dev->timeline,
        .pValues = &dev->submitted,
    };
    const VkResult res = vkWaitSemaphores(dev->vk, &info, (uint64_t) ms * 1000000u);
    *is_done = res == VK_SUCCESS;
    return vkc__check(dev, res, "waiting for the device");
}

bool vkc_is_done(vkc_device *dev, uint64_t ticket)
{
    uint64_t value = 0;
    if (dev->lost)
        return true;    // nothing more will happen; vkc_wait() says why
    if (vkc__check(dev, vkGetSemaphoreCounterValue(dev->vk, dev->timeline, &value), "asking for progress") != VKC_OK)
        return true;
    return value >= (ticket ? ticket : dev->submitted);
}

vkc_status vkc__transfer_begin(vkc_device *dev)
{
    VkCommandBufferBeginInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    vkc_status st = vkc__check(dev, vkBeginCommandBuffer(dev->transfer, &info), "starting a transfer");
    if (st == VKC_OK)
        vkc__barrier(dev->transfer);
    return st;
}

vkc_status vkc__transfer_end(vkc_device *dev)
{
    vkc__barrier_host(dev->transfer);
    vkc_status st = vkc__check(dev, vkEndCommandBuffer(dev->transfer), "ending a transfer");
    if (st == VKC_OK)
        st = vkc__submit(dev, dev->transfer);
    return st == VKC_OK ? vkc_wait(dev, 0) : st;
}

static vkc_status prepare(vkc_device *dev, vkc_slice s, const char *what)
{
    vkc_status st = vkc__check_alive(dev);
    if (st == VKC_OK)
        st = vkc__slice_check(dev, s, what);
    return st == VKC_OK ? vkc_wait(dev, 0) : st;
}

static vkc_status staging(vkc_device *dev, vkc_mem intent, vkc_buffer **buf)
{
    return *buf ? VKC_OK : vkc_buffer_create(dev, intent, VKC__STAGING_SIZE, "staging", buf);
}

static vkc_status copy_now(vkc_device *dev, vkc_buffer *dst, size_t dst_at, vkc_buffer *src, size_t src_at, size_t n)
{
    vkc_status st = vkc__transfer_begin(dev);
    if (st != VKC_OK)
        return st;
    VkBufferCopy region = { .srcOffset = src_at, .dstOffset = dst_at, .size = n };
    vkCmdCopyBuffer(dev->transfer, src->vk, dst->vk, 1, &region);
    return vkc__transfer_end(dev);
}

vkc_status vkc_write(vkc_device *dev, vkc_slice dst, const void *src)
{
    vkc_status st = prepare(dev, dst, "write");
    if (st != VKC_OK)
        return st;
    if (dst.buf->map) {
        memcpy(dst.buf->map + dst.offset, src, dst.size);
        return VKC_OK;
    }
    st = staging(dev, VKC_MEM_UPLOAD, &dev->upload);
    for (size_t at = 0; st == VKC_OK && at < dst.size; at += VKC__STAGING_SIZE) {
        size_t n = dst.size - at < VKC__STAGING_SIZE ? dst.size - at : VKC__STAGING_SIZE;
        memcpy(dev->upload->map, (const unsigned char *) src + at, n);
        st = copy_now(dev, dst.buf, dst.offset + at, dev->upload, 0, n);
    }
    return st;
}

vkc_status vkc_read(vkc_device *dev, vkc_slice src, void *dst)
{
    vkc_status st = prepare(dev, src, "read");
    if (st != VKC_OK)
        return st;
    // Reading uncached memory word by word is slower than a copy into cached memory.
    if (src.buf->map && (src.buf->cached || src.buf->intent != VKC_MEM_DEVICE)) {
        memcpy(dst, src.buf->map + src.offset, src.size);
        return VKC_OK;
    }
    st = staging(dev, VKC_MEM_READBACK, &dev->readback);
    for (size_t at = 0; st == VKC_OK && at < src.size; at += VKC__STAGING_SIZE) {
        size_t n = src.size - at < VKC__STAGING_SIZE ? src.size - at : VKC__STAGING_SIZE;
        st = copy_now(dev, dev->readback, 0, src.buf, src.offset + at, n);
        if (st == VKC_OK)
            memcpy((unsigned char *) dst + at, dev->readback->map, n);
    }
    return st;
}

vkc_status vkc_fill(vkc_device *dev, vkc_slice dst, uint32_t word)
{
    vkc_status st = prepare(dev, dst, "fill");
    if (st != VKC_OK)
        return st;
    if (dst.offset % 4 || dst.size % 4)
        return VKC_FAIL(VKC_E_ARG, "fill: offset %zu and size %zu must be multiples of 4", dst.offset, dst.size);
    if (dst.size == 0)
        return VKC_OK;
    if ((st = vkc__transfer_begin(dev)) != VKC_OK)
        return st;
    vkCmdFillBuffer(dev->transfer, dst.buf->vk, dst.offset, dst.size, word);
    return vkc__transfer_end(dev);
}
