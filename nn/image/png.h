// png.h — PNG files decoded by libpng, as RGB of 8 bits.
//
// Thread-safety: safe.
#ifndef NN_PNG_H
#define NN_PNG_H

#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// The sizes that a PNG's header gives; E_FORMAT when it has none.
vkc_status nn_png_size(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height);

// All kinds of PNG -> rgb (height, width, 3): palettes and grey are expanded, of 16 bits the higher 8 are taken,
// transparency is dropped, no gamma is applied. E_FORMAT in words that name the picture, E_NOMEM.
vkc_status nn_png_read(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height, uint8_t *rgb);

#ifdef __cplusplus
}
#endif
#endif
