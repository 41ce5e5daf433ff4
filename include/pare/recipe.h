// recipe.h — how a model is trained: regularisation, the course of the learning rate, augmentation of pictures.
//
// Names and meanings are timm's. All of it is a function of the seed, the epoch and the picture: a run that was stopped
// and resumed gives the same bits. docs/augmentation.md says what each does, and what replaces what.
#ifndef PARE_RECIPE_H
#define PARE_RECIPE_H

#include "pare/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pare_recipe {        // 0 and NULL = none, unless another is named; texts are looked at during the call
    size_t   size;
    double   smoothing;             // of the labels, 0 to 1; 0 = 0.1, < 0 = none
    double   mixup, cutmix;         // alpha of the beta distribution of the shares
    double   drop_path;             // stochastic depth: rate of the last block, below 1
    double   ema;                   // decay of the average of the weights, which is what is written then
    double   min_lr;                // of the last step
    double   warmup;                // epochs; 0 = a tenth of the steps, < 0 = none
    double   warmup_lr;             // of the first step; 0 = the peak / steps of the warm-up
    double   lr_base;               // not 0: the peak is lr_base * batch / lr_base_size
    uint32_t lr_base_size;          // 0 = 256
    uint32_t aug_repeats;           // an epoch has one in so many pictures, each so often; 0 = 1
    const char *aa;                 // RandAugment: "rand-m9-mstd0.5-inc1"
    double   color_jitter;          // left out beside `aa`
    uint32_t force_color_jitter;    // not 0: applied all the same
    uint32_t recount;               // boxes erased, at most; 0 = 1
    double   reprob;                // probability of random erasing
    const char *remode;             // "pixel", "const", "rand"; NULL = pixel
    double   scale[2], ratio[2];    // random resized crop: from, to
    double   hflip, vflip;          // probability of a flip
    const char *train_interpolation;        // "random", "bilinear", "bicubic"; NULL = random
} pare_recipe;

static inline pare_recipe pare_recipe_default(void)
{
    pare_recipe r;
    memset(&r, 0, sizeof r);
    r.size = sizeof r;
    return r;
}

#ifdef __cplusplus
}
#endif
#endif
