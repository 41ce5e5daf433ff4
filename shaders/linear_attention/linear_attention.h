// linear_attention.h — non-causal linear attention inside each image.
//   Z = sum_j phi_k_j v_j^T     z = sum_j phi_k_j     y_i = Z^T phi_q_i / max(phi_q_i . z, 1e-6)
//   state (image, head, F, D + 4) = [Z | z 0 0 0]: whole vec4 where D is
//   backward: g_i = [dy_i / den_i | -(dy_i . y_i) / den_i]     dphi_q_i = [Z | z] g_i
//             [dZ | dz] = sum_i phi_q_i g_i^T     dphi_k_j = dZ v_j + dz     dv_j = dZ^T phi_k_j
#ifndef SHADERS_LINEAR_ATTENTION_H
#define SHADERS_LINEAR_ATTENTION_H
#include "shaders/inc/shared.h"

#define SPEC_LINEAR_ATTENTION_DIM 1    // D, channels of a head in v and y, 1..128
#define SPEC_LINEAR_ATTENTION_OWN 2    // rows (state kernel: features) that one invocation owns
#define SPEC_LINEAR_ATTENTION_COLS 3   // state kernel: columns of D + 1 that one invocation sums
#define SPEC_LINEAR_ATTENTION_BLOCKS 4 // state kernel: ceil((D + 1) / columns)
#define SPEC_LINEAR_ATTENTION_SIMD 3   // SIMD form: the subgroup size

#define LINEAR_ATTENTION_MAX_DIM 128
#define LINEAR_ATTENTION_EPS 1e-6f

struct linear_attention_attr {
    U32 heads;
    U32 head_dim;
    U32 v_col0;                    // first column of v's heads
};

struct linear_attention_args {
    U32 heads;
    U32 features;                  // F, of one head
    U32 ld_v, col_v;               // row stride and first column of v
};
ARGS_SIZE(linear_attention_args, 16);

// S (image, head, F, D + 4) = sum over the image's rows of a_row b_row^T
struct linear_attention_state_args {
    U32 heads;
    U32 features;
    U32 ld_b, col_b;               // row stride and first column of b
    U32 head_b;                    // columns of a head in b: D (then column D counts as 1) or D + 4
};
ARGS_SIZE(linear_attention_state_args, 20);
#endif
