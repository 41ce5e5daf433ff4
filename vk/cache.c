// cache.c — the pipeline cache.
#include "vk/cache.h"
#include "vk/internal.h"

vkc_status vkc__cache_open(vkc_device *dev, const char *dir)
{
    (void) dir;
    VkPipelineCacheCreateInfo info = { .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO };
    return vkc__check(dev, vkCreatePipelineCache(dev->vk, &info, NULL, &dev->cache), "making a pipeline cache");
}

void vkc__cache_close(vkc_device *dev)
{
    vkDestroyPipelineCache(dev->vk, dev->cache, NULL);
    dev->cache = VK_NULL_HANDLE;
}
