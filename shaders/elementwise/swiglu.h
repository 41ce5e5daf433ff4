// swiglu.h — a gated MLP's middle: y = silu(first half of the columns) * second half.
#ifndef SHADERS_SWIGLU_H
#define SHADERS_SWIGLU_H
#include "shaders/inc/shared.h"

struct swiglu_args {
    U32 rows;                      // 0 = packed, read the live count
    U32 cols;                      // H, of y
    U32 tile_rows;                 // rows a workgroup takes at a time
};
ARGS_SIZE(swiglu_args, 12);
#endif
