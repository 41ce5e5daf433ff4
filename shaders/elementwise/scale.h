// scale.h — y = factor * gamma * x, gamma one number a column (LayerScale); without gamma, factor * x.
#ifndef SHADERS_SCALE_H
#define SHADERS_SCALE_H
#include "shaders/inc/shared.h"

struct scale_attr {
    F32 factor;
};

struct scale_args {
    F32 factor;
    U32 rows;                      // 0 = packed, read the live count
    U32 cols;
    U32 tile_rows;                 // rows a workgroup takes at a time
    U32 has_gamma;
    U32 blocks;                    // parts of the rows that dgamma is summed in
};
ARGS_SIZE(scale_args, 24);
#endif
