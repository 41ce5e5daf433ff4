// bmp.h — BMP files of Windows and OS/2, as RGB of 8 bits.
//
// No library that distributions keep reads BMP alone, and all of the format is below.
// Source: Microsoft, Bitmap Storage (BITMAPFILEHEADER, BITMAPCOREHEADER, BITMAPINFOHEADER to BITMAPV5HEADER) and
// Bitmap Compression (RLE8, RLE4).
// Thread-safety: safe.
#ifndef NN_BMP_H
#define NN_BMP_H

#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// E_FORMAT also when it is of a kind that is not read, or shorter than its sizes say.
vkc_status nn_bmp_size(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height);

// 1, 4, 8, 16, 24 and 32 bits a pixel, bit fields, RLE8 and RLE4, bottom-up and top-down -> rgb (height, width, 3).
// Alpha is dropped. A channel of fewer than 8 bits is spread over 0 .. 255, rounded down. What a run-length code leaves
// out has color 0.
vkc_status nn_bmp_read(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height,
                       uint8_t *rgb);

#ifdef __cplusplus
}
#endif
#endif
