// clamp.h — y = x cut to -most .. most.
#ifndef SHADERS_CLAMP_H
#define SHADERS_CLAMP_H
#include "shaders/inc/shared.h"

struct clamp_attr {
    F32 most;                      // above 0
};

struct clamp_args {
    U32 rows;                      // 0 = packed, read the live count
    U32 cols;
    U32 tile_rows;                 // rows a workgroup takes at a time
    F32 most;
};
ARGS_SIZE(clamp_args, 16);
#endif
