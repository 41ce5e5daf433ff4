// png.h — the common kinds of PNG, decoded faster than stb_image does, to the same pixels.
//
// Source: PNG (ISO/IEC 15948), sections 9 (filters) and 11.2 (chunks). Thread-safety: safe.
#ifndef NN_PNG_H
#define NN_PNG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// rgb (h, w, 3), for the caller to free, of a whole file whose chunks lie within it and whose first, IHDR, gives w x h
// pixels. NULL for all that is not of 8 bits, grey or RGB with or without alpha (dropped), without palette,
// transparent color and interlacing; when anything in it is odd or broken; and when memory is short: stb_image then
// says what is wrong, or reads it.
uint8_t *nn_png_read(const uint8_t *bytes, size_t size, uint32_t w, uint32_t h);

#ifdef __cplusplus
}
#endif
#endif
