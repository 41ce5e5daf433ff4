// jpeg.h — JPEG files decoded by libjpeg-turbo, as RGB of 8 bits: the pixels that Pillow has.
//
// Thread-safety: safe.
#ifndef NN_JPEG_H
#define NN_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// The sizes that a JPEG's frame gives; E_FORMAT, in words that name the picture, when it has none or is cut off.
vkc_status nn_jpeg_size(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height);

// All that libjpeg-turbo reads -> rgb (height, width, 3): grey in all three channels; CMYK and YCCK without a profile.
// 255 is no ink in both, with Adobe's marker and without it: so programs write them, and so Pillow and browsers read
// them. E_FORMAT in words that name the picture.
vkc_status nn_jpeg_read(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height,
                        uint8_t *rgb);

bool        nn_jpeg_can_hold(const uint8_t *bytes, size_t size, uint64_t width, uint64_t height);
const char *nn_jpeg_version(void);

#ifdef __cplusplus
}
#endif
#endif
