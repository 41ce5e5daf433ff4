// image.h — pictures: files of all formats decoded from untrusted bytes, turned into floats; PNG written.
//
// Thread-safety: safe. Errors: E_FORMAT (no picture, broken, too large), E_IO, E_NOMEM, E_ARG.
#ifndef NN_IMAGE_H
#define NN_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_IMAGE_MAX_SIDE 16384
#define NN_IMAGE_MAX_PIXELS (64u << 20)
#define NN_IMAGE_MAX_FILE ((size_t) 256 << 20)

typedef struct nn_image {
    uint32_t width, height;
    uint8_t *rgb;                   // (height, width, 3), owned
} nn_image;

// Decode, and turn as the camera says (nn/image/exif.h). The first bytes say what a file is, not its name
// (nn/image/formats/format.h): JPEG, PNG, BMP and, where the build has their libraries, WebP, TIFF and GIF; of several
// pictures in a file the first. Grey and palettes become RGB, alpha is dropped, of 16 bits the high 8 stay (of grey of
// 16 bits, the lesser of it and 255), CMYK becomes RGB without a profile: the pixels that Pillow's convert("RGB") has.
// `name` is for messages.
// Decoding takes 11 bytes a pixel at most (a progressive CMYK JPEG: 2 a sample, besides the pixels), a few rows, and of
// a TIFF a tile.
vkc_status nn_image_read(const char *name, const void *bytes, size_t size, nn_image *out);
vkc_status nn_image_load(const char *path, nn_image *out);
void       nn_image_finish(nn_image *im);       // zeroed is fine
// Write as PNG, beside and renamed.
vkc_status nn_image_save(const nn_image *im, const char *path);

// (area, 3) bytes to (channels, area) floats, area = height * width: (x / 255 - mean) / std. One channel is the luma.
void nn_image_normalise(const uint8_t *rgb, size_t area, uint32_t channels, const double mean[3],
                        const double std[3], float *out);
// And back, rounded and cut to 0 .. 255; one channel becomes grey.
void nn_image_restore(const float *pixels, size_t area, uint32_t channels, const double mean[3],
                      const double std[3], uint8_t *rgb);

#ifdef __cplusplus
}
#endif
#endif
