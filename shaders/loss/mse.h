// mse.h — mean of (a - b)^2 over the live rows and all columns
#ifndef SHADERS_MSE_H
#define SHADERS_MSE_H
#include "shaders/inc/shared.h"

#define MSE_TILE 16                // rows a workgroup takes at a time

struct mse_args {
    U32 rows;                      // 0 = packed: the layout knows
    U32 cols;
    F32 sign;                      // mse_bwd: 1 for a, -1 for b
};
ARGS_SIZE(mse_args, 12);
#endif
