// augment_recipe.h — augmentation as timm's training recipes have it, under timm's names.
//
// What a picture gets is a pure function of seed, epoch, number and copy: each part draws from a stream of its own, so
// that one of them more or less changes none of the others. In order: random resized crop, flips, RandAugment, colour
// jitter; and on normalised pixels random erasing. Thread-safety: safe.
#ifndef NN_AUGMENT_RECIPE_H
#define NN_AUGMENT_RECIPE_H

#include <stdbool.h>

#include "nn/image/augment/erase.h"
#include "nn/image/augment/rand_augment.h"
#include "nn/image/augment/random_crop.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_MAX_REPEATS 64

typedef struct nn_augment_recipe {  // zero = none of it; texts are the caller's
    const char *aa;                 // policy of RandAugment, "rand-m9-mstd0.5-inc1" (nn/image/augment/rand_augment.h)
    double   color_jitter;          // brightness, contrast and colour by factors of 1 -+ this; with `aa` only if forced
    bool     force_color_jitter;
    double   reprob;                // probability of random erasing
    const char *remode;             // "pixel", "const" or "rand"; NULL = pixel
    uint32_t recount;               // boxes at most; 0 = 1
    uint32_t aug_repeats;           // an epoch has a part of the pictures, each so often, augmented anew; 0 = 1
    double   scale[2], ratio[2];    // random resized crop: least and most area and width / height; with one of the
                                    // two, the other is 0.08 to 1, or 3/4 to 4/3
    double   hflip, vflip;          // probability of a flip left-right, top-bottom
    const char *train_interpolation;    // of crops, turns and moves: "random", "bilinear", "bicubic"; NULL = random
} nn_augment_recipe;

vkc_status nn_augment_recipe_check(const nn_augment_recipe *r);         // E_ARG, naming what is wrong as timm does
// Does it say where a picture's pixels come from (crop or flips)? Then it takes the place of nn_augment_params.
bool       nn_augment_recipe_is_geometric(const nn_augment_recipe *r);

typedef struct nn_augmenter {       // a recipe, read
    nn_rand_augment aa;
    nn_random_crop  crop;
    nn_erase        erase;
    nn_train_filter filter;
    uint32_t repeats;               // at least 1
    double   jitter, hflip, vflip;
    bool     has_crop;
    uint8_t  fill[3];               // what turns and moves bring in: the mean colour
} nn_augmenter;

// For models of this mean (3), of pixels in 0 .. 1. E_ARG as above.
vkc_status nn_augmenter_init(nn_augmenter *a, const nn_augment_recipe *r, const double mean[3]);
// With has_crop: a part of `im` (which loses the rest) as rgb (height, width, 3). `key` is nn_augment_key's.
vkc_status nn_augmenter_crop(const nn_augmenter *a, uint64_t key, nn_image *im, nn_size size, uint32_t pillow,
                             uint8_t *rgb);
// Flips, RandAugment and colour jitter, in place; `spare` is as large.
void       nn_augmenter_change(const nn_augmenter *a, uint64_t key, nn_size size, uint8_t *rgb, uint8_t *spare);
// Random erasing of (channels, height, width), normalised.
void       nn_augmenter_erase(const nn_augmenter *a, uint64_t key, uint32_t channels, nn_size size, float *pixels);

#ifdef __cplusplus
}
#endif
#endif
