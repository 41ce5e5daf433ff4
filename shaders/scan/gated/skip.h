// skip.h — a skip connection past a recurrence, one factor per stream (D of Mamba-2).
//   out[s * D + i] = y[s * D + i] + d[s] x[x_col0 + h * x_head + dir * x_dir + i]        s = h * dirs + dir
#ifndef SHADERS_SKIP_H
#define SHADERS_SKIP_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

struct skip_attr {
    U32 heads, dirs, dim;          // dim = D
    U32 x_col0, x_head, x_dir;
};

// Columns, strides and dim are counted in floats, or in vec4 by the kernels that take four columns at a time.
struct skip_args {
    U32 rows;                      // 0 = packed: the layout knows
    U32 heads, dirs, dim;
    U32 ld_x, x_col0, x_head, x_dir;
    U32 head_parts, dir_parts;     // of the backward pass, see inc/streams.glsl: those that share columns are in one
    U32 blocks;                    // parts of the rows that dd is summed in
};
ARGS_SIZE(skip_args, 44);
#endif
