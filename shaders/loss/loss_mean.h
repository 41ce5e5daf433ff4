// loss_mean.h — the last stage of every loss: partial sums to one mean over the live rows
#ifndef SHADERS_LOSS_MEAN_H
#define SHADERS_LOSS_MEAN_H
#include "shaders/inc/shared.h"

struct loss_mean_args {
    U32 rows;                      // 0 = packed: the layout knows
    U32 n_partials;
    F32 scale;
};
ARGS_SIZE(loss_mean_args, 12);
#endif
