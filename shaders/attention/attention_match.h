// attention_match.h — cross-entropy between a teacher's attention weights and those of a student's features.
//   a_ij = exp(scale q_i . k_j - lse_i)     kappa_ij = max(phi_q_i . phi_k_j, eps)     S_i = sum_j kappa_ij
//   loss_i = log S_i - sum_j a_ij log kappa_ij, the cross-entropy since the weights sum to 1
//   entropy_i = -sum_j a_ij log a_ij     loss and entropy: means over rows and heads
//   backward: dkappa_ij = (1 / S_i - a_ij / kappa_ij) / (rows heads), 0 where kappa_ij is clamped
//             dphi_q_i = sum_j dkappa_ij phi_k_j     dphi_k_j = sum_i dkappa_ij phi_q_i
#ifndef SHADERS_ATTENTION_MATCH_H
#define SHADERS_ATTENTION_MATCH_H
#include "shaders/attention/attention.h"

// The forms are those of attention and take its constants. SIMD: SPEC_ATTENTION_DIM are the channels of a head.
// Tiled: they are the features, which are staged and summed as attention's channels are.
#define SPEC_ATTENTION_MATCH_WIDTH 4   // the other of the two: SIMD form: features; tiled form: channels of a head
#define SPEC_ATTENTION_MATCH_KEYS 5    // backward: 0 = own rows are queries, 1 = they are keys

#define ATTENTION_MATCH_MAX_FEATURES 256
#define ATTENTION_MATCH_EPS 1e-12f
#define ATTENTION_MATCH_TILE 16        // rows that a workgroup sums at a time

struct attention_match_attr {
    U32 heads;
    F32 scale;                         // 0 = 1 / sqrt(channels of a head)
    U32 grid_w;                        // with a table of relative positions: patches a row of the grid
};

struct attention_match_args {
    U32 heads;
    F32 scale;
    STRUCT attention_bias_args bias;
};
ARGS_SIZE(attention_match_args, 20);
#endif
