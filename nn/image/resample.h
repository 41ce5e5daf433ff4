// resample.h — pictures resized as Pillow's Image.resize does it, to the last bit.
//
// Source of the method: Pillow, src/libImaging/Resample.c (8 bits a channel). Every output is a weighted sum of the
// inputs under the filter, which is widened when shrinking, so nothing aliases. Weights are computed in double,
// divided by their sum and rounded to 22 bits after the point; columns are summed first, rounded and cut to 0 .. 255,
// then rows. From Pillow 13 on rows come first where the height shrinks, and by more than twice what the width does
// (h - h' > 0 and h - h' > 2 (w - w')); a level or so in some bytes is the difference.
//
// Thread-safety: safe. Errors: E_ARG, E_NOMEM.
#ifndef NN_RESAMPLE_H
#define NN_RESAMPLE_H

#include <stddef.h>

#include "nn/image/preprocess.h"

#ifdef __cplusplus
extern "C" {
#endif

// A part of the resized picture, inside it.
typedef struct nn_window { uint32_t top, left, height, width; } nn_window;

// Resize rgb (from.height, from.width, 3) to `to` and write the window of that (NULL = all) to out (height, width, 3),
// whose lines are `stride` bytes apart. Only the window is computed, from the lines that it needs: the memory is a few
// lines of it for each line that one output reads. Sides of `from` are at most NN_IMAGE_MAX_SIDE, those of the window
// too, those of `to` less than 2^31.
// `pillow` is whose order of passes: 12 (and before), or 13; 0 = 13.
vkc_status nn_resample(const uint8_t *rgb, nn_size from, nn_size to, nn_filter filter, uint32_t pillow,
                       const nn_window *window, uint8_t *out, size_t stride);

#ifdef __cplusplus
}
#endif
#endif
