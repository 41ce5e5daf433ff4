// random_crop.h — random resized crop: a part of a picture, of random area, aspect and place, resized to the model's.
//
// Source: Szegedy et al. 2015; torchvision's RandomResizedCrop and timm, data/transforms.py
// (RandomResizedCropAndInterpolation), for tries, rounding and what is taken when none fits.
// Thread-safety: safe.
#ifndef NN_RANDOM_CROP_H
#define NN_RANDOM_CROP_H

#include "nn/base/rng.h"
#include "nn/image/image.h"
#include "nn/image/resample.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_random_crop {
    double scale[2];                // least and most area, of the picture's
    double ratio[2];                // least and most width / height; log-uniform
} nn_random_crop;

// The first of ten draws that fits into the picture, else its middle at the nearest ratio; at least a pixel a side.
nn_window  nn_random_crop_draw(const nn_random_crop *c, nn_size picture, nn_draws *d);
// That part of `im`, resized to rgb (height, width, 3). `im` is left with the part alone. Errors: E_NOMEM.
vkc_status nn_random_crop_write(const nn_window *w, nn_image *im, nn_size size, nn_filter filter, uint32_t pillow,
                                uint8_t *rgb);

#ifdef __cplusplus
}
#endif
#endif
