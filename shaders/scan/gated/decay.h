// decay.h — the gates of a recurrence, from the columns of a projection.
//   stream s = h * dirs + dir has `width` raw numbers, at columns col0 + h * head + dir * dir_stride of x;
//   n = s * width + i counts them; u = x + bias[n]
//   logsigmoid:  out[n] = scale * log(sigmoid(u))                                          (GLA)
//   sigmoid:     out[n] = sigmoid(u)                                                       (beta of the delta rule)
//   step:        out[n] = -exp(a_log[n]) softplus(u)     out[N + n] = softplus(u)          (Mamba-2: g, then step)
#ifndef SHADERS_DECAY_H
#define SHADERS_DECAY_H
#include "shaders/inc/shared.h"

#define DECAY_LOGSIGMOID 0
#define DECAY_SIGMOID 1
#define DECAY_STEP 2

#define SPEC_DECAY_KIND 1          // DECAY_*

struct decay_attr {
    U32 kind;                      // DECAY_*
    U32 heads, dirs, width;
    U32 col0, head, dir_stride;
    F32 scale;                     // of logsigmoid; 0 = 1
};

struct decay_args {
    U32 heads, dirs, width;
    U32 ld, col0, head, dir_stride;
    F32 scale;
    U32 has_bias;
    U32 tile, tiles;               // rows of an invocation; of those, at capacity: parts of dbias and da_log
};
ARGS_SIZE(decay_args, 44);
#endif
