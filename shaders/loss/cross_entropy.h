// cross_entropy.h — mean cross-entropy against smoothed labels
//   target = (1 - smoothing) * onehot(label) + smoothing / K
// With two labels a row (mixup, cutmix) the loss is lambda * loss(label) + (1 - lambda) * loss(label_b).
#ifndef SHADERS_CROSS_ENTROPY_H
#define SHADERS_CROSS_ENTROPY_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

#define SPEC_CROSS_ENTROPY_MIXED 4 // 1 = with labels_b and lambda

struct cross_entropy_attr {
    F32 smoothing;                 // 0 .. 1
};

struct cross_entropy_args {
    U32 rows;                      // 0 = packed: the layout knows
    U32 classes;
    F32 smoothing;
};
ARGS_SIZE(cross_entropy_args, 12);
#endif
