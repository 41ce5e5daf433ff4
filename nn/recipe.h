// recipe.h — what keeps training from learning its pictures by heart: label smoothing, mixup, cutmix, stochastic depth,
// and the exponential moving average of the weights. The usual names and meanings.
//
// All of it is a pure function of seed and step, so that a resumed run ends in the same bits.
// Sources: Szegedy et al. 2016 (smoothing), Zhang et al. 2018 (mixup), Yun et al. 2019 (cutmix), Huang et al. 2016
// (stochastic depth), Polyak & Juditsky 1992 (averaging).
#ifndef NN_RECIPE_H
#define NN_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_recipe {          // zero = none of it
    double smoothing;               // of labels, 0 .. 1
    double mixup, cutmix;           // alpha of the beta distribution of the share; with both, each for half of the batches
    double drop_path;               // probability that the last block's branches are left out of an image; linear in depth
    double ema;                     // decay of the average of the weights, 0.9999; what is saved is then the average
} nn_recipe;

#ifdef __cplusplus
}
#endif
#endif
