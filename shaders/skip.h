// skip.h — a direct path past a recurrence, one factor a stream (D of Mamba-2).
//   out[s * D + i] = y[s * D + i] + d[s] x[x_col0 + h * x_head + dir * x_dir + i]        s = h * dirs + dir
#ifndef SHADERS_SKIP_H
#define SHADERS_SKIP_H
#include "inc/shared.h"

struct skip_attr {
    U32 heads, dirs, dim;          // dim = D
    U32 x_col0, x_head, x_dir;
};
#endif
