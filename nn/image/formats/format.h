// format.h — the formats of pictures that are read: how a file of each is known, and what decodes it.
//
// A file's format is what its first bytes say, whatever its name. WebP, TIFF and GIF are optional at build time: a
// build without the library still knows such a file, and says what is missing.
//
// Thread-safety: safe.
#ifndef NN_FORMAT_H
#define NN_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_image_format {
    const char *name;               // "WebP"
    const char *library;            // "libwebp"; NULL = read by code of our own
    bool (*is_mine)(const uint8_t *bytes, size_t size);
    // Sizes in pixels as stored, before any turning. Also checks what can be checked without decoding. NULL: this
    // build does not have the library. E_FORMAT in words that name the picture, E_NOMEM.
    vkc_status (*size)(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height);
    // Can so many bytes hold so many pixels at all? NULL = any number, as where one color takes a few bytes whatever
    // the size.
    bool (*can_hold)(const uint8_t *bytes, size_t size, uint64_t width, uint64_t height);
    // rgb (height, width, 3), for the sizes that `size` gave and the caller found fit. Errors: likewise.
    vkc_status (*read)(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height,
                       uint8_t *rgb);
    const char *(*version)(void);   // of the library, "1.2.4"; NULL where there is none
} nn_image_format;

#define NN_IMAGE_FORMATS_READ "JPEG, PNG, WebP, TIFF, GIF or BMP"

// Format i, NULL beyond the last; and the one that a file's first bytes name, NULL when it is none of them.
const nn_image_format *nn_image_format_at(size_t i);
const nn_image_format *nn_image_format_find(const void *bytes, size_t size);

#ifdef __cplusplus
}
#endif
#endif
