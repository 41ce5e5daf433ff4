// linear_attention.h — linear attention inside each image.
//   Z = sum_j phi_k_j v_j^T     z = sum_j phi_k_j     y_i = Z^T phi_q_i / max(phi_q_i . z, 1e-6)
//   state (image, head, F, D + 4) = [Z | z 0 0 0]: whole vec4 where D is
//   backward: g_i = [dy_i / den_i | -(dy_i . y_i) / den_i]     dphi_q_i = [Z | z] g_i
//             [dZ | dz] = sum_i phi_q_i g_i^T     dphi_k_j = dZ v_j + dz     dv_j = dZ^T phi_k_j
// Causal: sums over j go over the rows of the image up to i, those over i over the rows from j on. An image is cut into
// chunks of LINEAR_ATTENTION_CHUNK rows. What other chunks give goes through states, which are those before each chunk
// (of gradients: behind it), (image, chunk, head, F, D + 4); what the rows of a chunk give each other goes through
// A_ij = phi_q_i . phi_k_j and W_ij = g_i . [v_j | 1], made a chunk at a time:
//   [n_i | den_i] = [Z | z]^T phi_q_i + sum_j A_ij [v_j | 1]     dphi_q_i = [Z | z] g_i + sum_j W_ij phi_k_j
//   dphi_k_j = dZ v_j + dz + sum_i W_ij phi_q_i     dv_j = dZ^T phi_k_j + sum_i A_ij g_i
#ifndef SHADERS_LINEAR_ATTENTION_H
#define SHADERS_LINEAR_ATTENTION_H
#include "shaders/inc/shared.h"

#define SPEC_LINEAR_ATTENTION_DIM 1    // D, channels of a head in v and y, 1..128
#define SPEC_LINEAR_ATTENTION_OWN 2    // rows (state kernel: features) that one invocation owns
#define SPEC_LINEAR_ATTENTION_COLS 3   // state kernel: columns of D + 1 that one invocation sums
#define SPEC_LINEAR_ATTENTION_BLOCKS 4 // state kernel: ceil((D + 1) / columns)
#define SPEC_LINEAR_ATTENTION_SIMD 3   // SIMD form: the subgroup size

#define SPEC_LINEAR_ATTENTION_CAUSAL 5 // 1 = causal

#define LINEAR_ATTENTION_MAX_DIM 128
#define LINEAR_ATTENTION_CHUNK 64      // rows of a chunk: a multiple of what a workgroup of the SIMD form takes
#define LINEAR_ATTENTION_EPS 1e-6f

struct linear_attention_attr {
    U32 heads;
    U32 head_dim;
    U32 v_col0;                    // first column of v's heads
    U32 causal;                    // 1 = row i of an image sees its rows 0 .. i
};

struct linear_attention_args {
    U32 heads;
    U32 features;                  // F, of one head
    U32 ld_v, col_v;               // row stride and first column of v
    U32 chunks;                    // of an image at capacity; not causal: 1
};
ARGS_SIZE(linear_attention_args, 20);

// S (image, chunk, head, F, D + 4) = sum over the chunk's rows of a_row b_row^T
struct linear_attention_state_args {
    U32 heads;
    U32 features;
    U32 ld_b, col_b;               // row stride and first column of b
    U32 head_b;                    // columns of a head in b: D (then column D counts as 1) or D + 4
    U32 chunks;                    // of an image at capacity
    U32 rows;                      // of a chunk; not causal: more than any image has
};
ARGS_SIZE(linear_attention_state_args, 28);

// S, in place: of each chunk the sum over the chunks before it, or, of gradients, behind it.
struct linear_attention_pass_args {
    U32 len;                       // numbers of a chunk
    U32 chunks;
    U32 later;                     // 1 = behind it
};
ARGS_SIZE(linear_attention_pass_args, 12);

// P (R, H, CHUNK): P_rs = a_r . b_s of the rows s of r's chunk up to r, or from r on, and 0 of the others.
struct linear_attention_pairs_args {
    U32 heads;
    U32 len;                       // columns of a head in a and b
    U32 ld_a, col_a, head_a;       // row stride, first column, columns from head to head
    U32 ld_b, col_b, head_b;
    U32 one;                       // 1: a_r[len] is added, 2: b_s[len] is: the other has a 1 there
    U32 later;                     // 1 = from r on
};
ARGS_SIZE(linear_attention_pairs_args, 40);

// y_r = [sum_s P_rs x_s | sum_s P_rs, 0, 0, 0], or y_r += sum_s P_rs x_s
struct linear_attention_local_args {
    U32 heads;
    U32 width;                     // columns of a head in x; 0 = none, with y (R, H, 4)
    U32 ld_x, col_x, head_x;
    U32 ld_y, col_y, head_y;
    U32 store;                     // 1: the first of the two
    U32 later;                     // as P was made
};
ARGS_SIZE(linear_attention_local_args, 40);
#endif
