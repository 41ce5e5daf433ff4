// png.h — PNG files decoded by libpng, the common kinds faster, as RGB of 8 bits; and written.
//
// Thread-safety: safe.
#ifndef NN_PNG_H
#define NN_PNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// The sizes that a PNG's header gives; E_FORMAT when it has none.
vkc_status nn_png_size(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height);

// All kinds of PNG -> rgb (height, width, 3): palettes and grey are expanded, of 16 bits the higher 8 are taken (grey
// of 16 bits is cut at 255, as Pillow does it), transparency is dropped, no gamma is applied. E_FORMAT in words that
// name the picture, E_NOMEM.
vkc_status nn_png_read(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height, uint8_t *rgb);

// For nn_png_read, which is what to call: of 8 bits, grey or RGB with or without alpha, no palette, no transparent
// color and no interlacing. False for all else, when anything in it is odd or broken, and when memory is short: libpng
// then reads it or says what is wrong. The same pixels.
bool       nn__png_read_fast(const uint8_t *bytes, size_t size, uint32_t width, uint32_t height, uint8_t *rgb);

bool        nn_png_can_hold(const uint8_t *bytes, size_t size, uint64_t width, uint64_t height);
const char *nn_png_version(void);

// rgb (height, width, 3) as a PNG, piece by piece to `write`, whose failure is handed on. E_NOMEM.
vkc_status nn_png_write(const uint8_t *rgb, uint32_t width, uint32_t height,
                        vkc_status (*write)(void *user, const void *bytes, size_t size), void *user);

#ifdef __cplusplus
}
#endif
#endif
