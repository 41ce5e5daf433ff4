// linear.h — y = act(x w^T + b), and what its backward needs.
//   x (R,K)   w (N,K)   b (N)   y, pre (R,N)
//   in G groups: x (R,G K)   w (G,N,K)   b (G N)   y, pre (R,G N); group g multiplies columns g K .. by w[g]
#ifndef SHADERS_LINEAR_H
#define SHADERS_LINEAR_H
#include "shaders/inc/shared.h"

#define LINEAR_ACT_NONE 0u
#define LINEAR_ACT_GELU 1u         // the erf form
#define LINEAR_ACT_QUICK_GELU 2u   // x sigma(1.702 x)
#define LINEAR_ACT_GELU_TANH 3u    // x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
#define LINEAR_ACT_SILU 4u         // x sigma(x)

struct linear_attr {
    U32 act;                       // LINEAR_ACT_*
    U32 groups;                    // G; 0 = 1, and w is then (N,K)
};
ARGS_SIZE(linear_attr, 8);

// Every matrix product of the op; what k runs over is said in inc/tile_fwd.glsl, _dx and _dw.
struct linear_args {
    U32 rows;                      // R; 0 = packed, read the live count
    U32 in_cols;                   // K
    U32 out_cols;                  // N
    U32 splits;                    // of R, for gradients of w and b: with the groups of columns, along z
};
ARGS_SIZE(linear_args, 16);

// Elementwise and reducing helpers.
struct linear_rows_args {
    U32 rows;                      // 0 = packed
    U32 cols;
    U32 tile_rows;                 // rows a workgroup takes at a time
};
ARGS_SIZE(linear_rows_args, 12);

struct linear_reduce_args {
    U32 len;                       // elements of the gradient
    U32 splits;                    // partial sums of each
};
ARGS_SIZE(linear_reduce_args, 8);

// Tile of a workgroup (BM x BN, BK deep) and of an invocation (TM x TN).
#define SPEC_TILE_BM 1
#define SPEC_TILE_BN 2
#define SPEC_TILE_BK 3
#define SPEC_TILE_TM 4
#define SPEC_TILE_TN 5
#define SPEC_TILE_SIMD 1           // tile_simd.glsl only: subgroup size
#define SPEC_TILE_GROUPS 6         // G
#define SPEC_TILE_ODD 7            // tile_simd.glsl only: 1 = N is no multiple of 4

// What happens to a result before it is stored. Constants, because CPU drivers run both sides of a branch.
#define SPEC_LINEAR_BIAS 8         // 1 = add b
#define SPEC_LINEAR_PRE 9          // 1 = write pre, which a backward pass reads
#define SPEC_LINEAR_ACT 10         // LINEAR_ACT_*; also of linear_dpre.comp and linear_simd_dpre.comp
#endif
