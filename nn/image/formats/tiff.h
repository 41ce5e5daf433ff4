// tiff.h — the first picture of a TIFF file, decoded by libtiff, as RGB of 8 bits.
//
// In builds with PARE_TIFF. Thread-safety: safe.
#ifndef NN_TIFF_H
#define NN_TIFF_H

#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// Sizes as stored: the tag of the orientation is for nn/image/exif.h. E_FORMAT also for a kind that is not read.
vkc_status nn_tiff_size(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height);

// Strips and tiles, one plane or several, of every compression that libtiff has but old JPEG -> rgb (height, width, 3):
// bits, grey and palettes of 1 to 8 bits; grey, RGB and CMYK of 8 and 16 bits with or without alpha, YCbCr. Of 16 bits
// the higher 8 are taken, but grey of 16 bits, of 32 and of floats is cut at 255, as Pillow does it. Alpha is dropped;
// colors that were multiplied by it are divided. CMYK becomes RGB without a profile. Several planes take 4 bytes a
// pixel more, and so does YCbCr that is not JPEG. Not read: Lab, old JPEG, 16 bits and more where white is 0, several
// channels of other sizes or of floats.
vkc_status nn_tiff_read(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height,
                        uint8_t *rgb);
const char *nn_tiff_version(void);

#ifdef __cplusplus
}
#endif
#endif
