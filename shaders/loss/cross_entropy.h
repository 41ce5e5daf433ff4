// cross_entropy.h — mean cross-entropy against smoothed labels
//   target = (1 - smoothing) * onehot(label) + smoothing / K
// With two labels a row the loss is share * loss(label) + (1 - share) * loss(other).
#ifndef SHADERS_CROSS_ENTROPY_H
#define SHADERS_CROSS_ENTROPY_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

#define SPEC_CROSS_ENTROPY_MIXED 4 // 1 = there are other labels and shares

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
