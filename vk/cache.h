// cache.h — the pipeline cache, kept on disk between runs.
#ifndef VKC_CACHE_H
#define VKC_CACHE_H

#include "vk/device.h"

#ifdef __cplusplus
extern "C" {
#endif

// `dir` as vkc_device_params.cache_dir. A missing, broken or foreign file counts as empty.
vkc_status vkc__cache_open(vkc_device *dev, const char *dir);
void       vkc__cache_close(vkc_device *dev);   // writes the file when something new was compiled

#ifdef __cplusplus
}
#endif
#endif
