// adamw.h — the optimiser's kernels: sum of squares, clip scale, update, average of the values
#ifndef SHADERS_ADAMW_H
#define SHADERS_ADAMW_H
#include "shaders/inc/shared.h"

// What changes from step to step, in a small buffer (not push constants: those are recorded).
struct adamw_step {
    F32 keep;                      // 1 - lr * weight_decay
    F32 size;                      // lr / (1 - beta1^t)
    F32 root;                      // 1 / sqrt(1 - beta2^t)
    F32 max_norm;                  // 0 = no clipping
    F32 ema_rest;                  // 1 - decay of the average in this step
};

struct sumsq_args {
    U32 len;
    U32 first;                     // where this block's partial sums start
};
ARGS_SIZE(sumsq_args, 8);

struct clip_args {
    U32 n_partials;
};
ARGS_SIZE(clip_args, 4);

struct adamw_args {
    U32 len;
    U32 decay_len;                 // the first so many decay
    F32 beta1, beta2;
    F32 rest1, rest2;              // 1 - beta, rounded once
    F32 eps;
};
ARGS_SIZE(adamw_args, 28);

struct ema_args {
    U32 len;
};
ARGS_SIZE(ema_args, 4);
#endif
