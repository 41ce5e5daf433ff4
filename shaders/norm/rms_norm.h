// rms_norm.h — y = x * rstd * (offset + w), rstd = 1 / sqrt(mean(x^2) + eps): over all columns, or over each of G
// groups of D of them; columns beside those from col0 to col0 + G D as they are.
#ifndef SHADERS_RMS_NORM_H
#define SHADERS_RMS_NORM_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

#define SPEC_RMS_NORM_NO_WEIGHT 5  // 1 = w is not there

struct rms_norm_attr {
    F32 eps;
    F32 offset;                    // added to w: 0, or 1 where w is stored as what is beside 1
    U32 groups;                    // G, which share w; 0 = 1
    U32 col0;
    U32 cols;                      // G D; 0 = all from col0 on
};
ARGS_SIZE(rms_norm_attr, 20);

struct rms_norm_args {
    U32 rows;                      // 0 = packed: the layout knows
    U32 ld;                        // columns of x
    U32 col0;
    U32 dim;                       // D
    U32 groups;
    F32 eps;
    F32 offset;
    U32 blocks;                    // partial sums of dw, times groups
    U32 tile_rows;                 // rms_norm_rest_*: rows a workgroup takes at a time
};
ARGS_SIZE(rms_norm_args, 36);
#endif
