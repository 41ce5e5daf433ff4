// feature_map.h — features of queries or keys for linear attention, head by head.
//   elu:      phi = elu(x) + 1 = x + 1 where x > 0, exp(x) elsewhere                       F = D
//   hedgehog: u_f = sum_d x_d w[h][d][f]     phi = [softmax(u), softmax(-u)]               F = 2 D
//   backward: p = softmax(u), m = softmax(-u): du = p (dp - p . dp) - m (dm - m . dm)
//             dx_d = sum_f du_f w[h][d][f]     dw[h][d][f] = sum over rows of x_d du_f
//   t2r:      phi = max(u + b, 1e-12)                                                      F = D
//             du = dphi where phi is above 1e-12, else 0     db = sum over rows of du
//   exp:      phi = [exp(u - max u), exp(min u - u)]                                       F = 2 D
//             p, m the two halves: du = p dp - m dm, less p . dp where u is its (first) maximum, and m . dm more
//             where it is its (first) minimum
#ifndef SHADERS_FEATURE_MAP_H
#define SHADERS_FEATURE_MAP_H
#include "shaders/inc/shared.h"

#define SPEC_FEATURE_MAP_DIM 1     // D, 1..128
#define SPEC_FEATURE_MAP_OWN 2     // Hedgehog: rows (for dw: columns) that one invocation owns
#define SPEC_FEATURE_MAP_SIMD 3    // Hedgehog, SIMD form: the subgroup size
#define SPEC_FEATURE_MAP_KIND 4    // plain form of what is made of u: FEATURE_MAP_*, Hedgehog when it is not given

#define FEATURE_MAP_MAX_DIM 128
#define FEATURE_MAP_ELU 0
#define FEATURE_MAP_HEDGEHOG 1
#define FEATURE_MAP_T2R 2
#define FEATURE_MAP_EXP 3
#define FEATURE_MAP_EPS 1e-12f

struct feature_map_attr {
    U32 heads;
    U32 head_dim;
    U32 col0;                      // first column of x's heads
    U32 kind;                      // FEATURE_MAP_*
};

struct feature_map_args {
    U32 heads;
    U32 ld, col0;                  // row stride and first column of x
    U32 splits;                    // parts of the rows that dw is summed in
};
ARGS_SIZE(feature_map_args, 16);
#endif
