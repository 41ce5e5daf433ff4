// rand_augment.h — RandAugment by timm's policy strings, and colour jitter: which operations a picture gets.
//
// Sources: Cubuk et al. 2020 (arXiv:1909.13719); timm, data/auto_augment.py, for the strings, the operations, how a
// magnitude becomes an argument, and the noise of magnitudes. Thread-safety: safe.
#ifndef NN_RAND_AUGMENT_H
#define NN_RAND_AUGMENT_H

#include <stdbool.h>

#include "nn/base/rng.h"
#include "nn/image/augment/pixel_ops.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_RAND_AUGMENT_MAX 16      // operations of a picture

// Which filter turns and moves pictures, and resizes crops of them.
typedef enum nn_train_filter { NN_TRAIN_RANDOM, NN_TRAIN_BILINEAR, NN_TRAIN_BICUBIC } nn_train_filter;
nn_filter nn_train_filter_draw(nn_train_filter f, nn_draws *d);         // random: one of the two, each half of the time

typedef struct nn_rand_augment {    // zero = none
    uint32_t n;                     // operations of a picture
    double   magnitude;
    double   noise;                 // standard deviation of the magnitude; infinite = it is uniform from 0 on
    double   most;                  // of a magnitude with its noise
    double   probability;           // that one of the n is done
    bool     increasing;            // a higher magnitude always changes more
} nn_rand_augment;

// "rand" and parts behind dashes: mN magnitude [10], nN operations a picture [2], mstdX noise [0; more than 100 =
// uniform], mmaxN most [10], incN increasing for 1 [0], pX probability [0.5]. E_ARG, in words, for anything else.
vkc_status nn_rand_augment_get(const char *policy, nn_rand_augment *out);
// The operations of one picture, in order; how many of `out` there are. An operation may be drawn more than once.
uint32_t   nn_rand_augment_draw(const nn_rand_augment *r, nn_train_filter f, nn_draws *d,
                                nn_pixel_step out[NN_RAND_AUGMENT_MAX]);
// Brightness, contrast and colour, in random order, each by a factor of 1 - amount (at least 0) to 1 + amount
// (torchvision's ColorJitter without hue).
void       nn_color_jitter_draw(double amount, nn_draws *d, nn_pixel_step out[3]);

#ifdef __cplusplus
}
#endif
#endif
