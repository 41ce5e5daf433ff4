// webp.h — WebP files decoded by libwebp, as RGB of 8 bits.
//
// In builds with PARE_WEBP. Thread-safety: safe.
#ifndef NN_WEBP_H
#define NN_WEBP_H

#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// The sizes of the canvas.
vkc_status nn_webp_size(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height);

// Lossy and lossless -> rgb (height, width, 3); alpha is dropped. Of an animation the first frame, on black where it
// does not fill the canvas. libwebp takes 4 bytes a pixel more.
vkc_status nn_webp_read(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height,
                        uint8_t *rgb);
const char *nn_webp_version(void);

#ifdef __cplusplus
}
#endif
#endif
