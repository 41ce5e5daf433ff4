// gif.h — the first picture of a GIF file, decoded by giflib, as RGB of 8 bits.
//
// In builds with PARE_GIF. Thread-safety: safe.
#ifndef NN_GIF_H
#define NN_GIF_H

#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

// The sizes of the screen, or of the first picture's far corner where that is outside of it.
vkc_status nn_gif_size(const char *name, const void *bytes, size_t size, uint32_t *width, uint32_t *height);

// The first picture -> rgb (height, width, 3); what is transparent has its color of the palette. Where the picture does
// not fill the screen, the transparent color, else color 0.
vkc_status nn_gif_read(const char *name, const void *bytes, size_t size, uint32_t width, uint32_t height,
                       uint8_t *rgb);
const char *nn_gif_version(void);

#ifdef __cplusplus
}
#endif
#endif
