// halt_soft.h — the halting scores of a student whose tokens its teacher drops: nothing is decided here, so scores
// always accumulate, and everything has a gradient
//   u = scale x_0 - centre,  c = c before this block + sigma(u);  both 0 at the first `kept` places of an image
// Gate as in halt.h.
#ifndef SHADERS_HALT_SOFT_H
#define SHADERS_HALT_SOFT_H
#include "shaders/inc/shared.h"

// Columns of a soft halting tensor (R, 2).
#define SOFT_U 0                   // the logit of this block's score
#define SOFT_C 1                   // cumulative score
#define SOFT_COLS 2

struct halt_soft_attr {
    U32 kept;                      // the first `kept` places of an image never halt (1: class token)
};

struct halt_soft_args {
    U32 kept;
    U32 has_prev;                  // 0 = before the first block: c = 0
    U32 cols;                      // of x
};
ARGS_SIZE(halt_soft_args, 12);
#endif
