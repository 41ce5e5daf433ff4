// window_attention.h — softmax attention inside a window and linear attention outside it (Zhang et al. 2024, LoLCATs),
// under one normalisation. A window is a block of W tokens of an image that follow each other, by their rows: row i
// of an image belongs to block i / W. No causality: the softmax runs over a query's whole block, the linear part over
// all other blocks.
//   s_ij = scale q_i . k_j     m_i = max of s_ij over the block
//   a_ij = w_h exp(s_ij - m_i)     w_h = sigmoid(mix_h)
//   O_c = sum over the rows j outside block c of phi_k_j [v_j | 1]^T          (F, D + 1)
//   [n_i | l_i] = O_c^T phi_q_i     den_i = sum_j a_ij + l_i     y_i = (sum_j a_ij v_j + n_i) / max(den_i, 1e-6)
//   state (image, block, head, F, D + 1) = O     stats (R, H, 3) = [m, den, place of the maximum in the block]
//   backward: g_i = [dy_i / den_i | -(dy_i . y_i) / den_i]     t_ij = g_i . [v_j | 1]
//             r_i = sum_j a_ij t_ij = -phi_q_i . O_c g_i
//             ds_ij = a_ij t_ij, less r_i where s_ij is the (first) maximum     dmix_h = (1 - w_h) sum_i r_i
//             dphi_q_i = O_c g_i     O'_c = sum over the rows i outside block c of phi_q_i g_i^T
//             dphi_k_j = O'_c [v_j | 1]     dv_j = O'_c^T phi_k_j + sum_i a_ij dy_i / den_i
#ifndef SHADERS_WINDOW_ATTENTION_H
#define SHADERS_WINDOW_ATTENTION_H
#include "shaders/linear_attention/linear_attention.h"

#define SPEC_WINDOW_ATTENTION_DIM 1    // D, channels of a head, 1..128

#define WINDOW_ATTENTION_STATS 3       // numbers of a row and head in stats

struct window_attention_attr {
    U32 heads;
    U32 head_dim;
    U32 window;                        // W, tokens of a block
};

struct window_attention_args {
    U32 heads;
    U32 features;                      // F, of one head
    U32 window;
    U32 blocks;                        // of the longest image that may come
    F32 scale;                         // 1 / sqrt(D)
    U32 images;                        // that may come
    U32 ld_b, col_b, head_b;           // state kernel: where b is, and columns of a head: D (then column D counts as 1)
                                       // or D + 1
};
ARGS_SIZE(window_attention_args, 36);
#endif
