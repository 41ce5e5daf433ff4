// gated_norm.h — root mean square norm of the streams of a mixer, gated by SiLU before or after it.
//   stream s = h * dirs + dir has D columns of x, from x_col0 + h * x_head + dir * x_dir, of the gate z alike,
//   and columns s * D .. of the output; n = s * D + i counts them
//   gate first:  e = x silu(z)     out[n] = e r w[n]                  r = (mean e^2 + eps)^-1/2       (Mamba-2)
//   norm first:  e = x             out[n] = e r w[n] silu(z)                                          (GLA)
//   mean over the stream, or (whole) over all heads of its direction; without w it is 1, without z no gate
//   backward, gate first, gamma = dout w: de = r (gamma - e r^2 mean(gamma e))
#ifndef SHADERS_GATED_NORM_H
#define SHADERS_GATED_NORM_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

#define SPEC_GATED_NORM_GATE  4    // GATED_NORM_*
#define SPEC_GATED_NORM_HAS_W 5    // 1 = w is there
#define SPEC_GATED_NORM_ODD_Z 6    // four columns at a time: 1 = those of z do not begin at whole vec4

#define GATED_NORM_NO_GATE    0u
#define GATED_NORM_GATE_FIRST 1u
#define GATED_NORM_NORM_FIRST 2u

struct gated_norm_attr {
    U32 heads, dirs, dim;          // dim = D
    U32 x_col0, x_head, x_dir;
    U32 z_col0, z_head, z_dir;     // strides of 0 share the gate
    U32 whole;                     // 1: one norm over the heads of a direction
    U32 gate_first;
    F32 eps;
    F32 scale;                     // of the output; 0 = 1. D^-1/2 makes vectors of length 1
};

// Columns, strides and dim are counted in floats, or in vec4 by the kernels that take four columns at a time; those of
// an odd z in floats.
struct gated_norm_args {
    U32 rows;                      // 0 = packed: the layout knows
    U32 heads, dirs, dim;
    U32 ld_x, x_col0, x_head, x_dir;
    U32 ld_z, z_col0, z_head, z_dir;
    U32 whole;
    U32 last_z;                    // texel of an odd z
    F32 norm_len;                  // floats that a mean is over
    F32 eps, scale;
    U32 head_parts, dir_parts;     // of the backward pass, see inc/streams.glsl: those that share columns are in one
    U32 blocks;                    // parts of the rows that dw is summed in
};
ARGS_SIZE(gated_norm_args, 80);
#endif
