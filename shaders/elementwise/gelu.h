// gelu.h — y = x * Phi(x), Phi the normal distribution function (the erf form, not tanh).
#ifndef SHADERS_GELU_H
#define SHADERS_GELU_H
#include "shaders/inc/shared.h"

struct gelu_args {
    U32 rows;                      // 0 = packed, read the live count
    U32 cols;
    U32 tile_rows;                 // rows a workgroup takes at a time
};
ARGS_SIZE(gelu_args, 12);
#endif
