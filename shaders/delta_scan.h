// delta_scan.h — the gated delta rule (Yang et al. 2025), all streams at once. Streams, directions and columns as in
// gated_scan.h. Per stream, in the order it runs in:
//   S~ = exp(g_t) S_{t-1}     u_t = beta_t (v_t - S~^T k_t)     S_t = S~ + k_t u_t^T     o_t = scale * S_t^T q_t
//   g <= 0 and beta: one number a stream; k has length 1
//   chunked, G_r = sum of g up to r inside the chunk, S the state before it:
//   A_rs = beta_r exp(G_r - G_s) (k_r . k_s), r > s     (I + A) U = beta (V - exp(G) K S)
//   o_r = exp(G_r) S^T q_r + sum_{s <= r} exp(G_r - G_s) (q_r . k_s) U_s
//   S' = exp(G_last) S + sum_s exp(G_last - G_s) k_s U_s^T
#ifndef SHADERS_DELTA_SCAN_H
#define SHADERS_DELTA_SCAN_H
#include "inc/shared.h"

struct delta_scan_attr {
    U32 heads, dirs;               // dirs 1 or 2
    U32 dk, dv;                    // state of a stream
    U32 q_col0, q_head, q_dir;
    U32 k_col0, k_head, k_dir;
    U32 v_col0, v_head, v_dir;
    U32 g_col0, g_head, g_dir;
    U32 beta_col0, beta_head, beta_dir;
    F32 scale;                     // of q; 0 = 1
    U32 chunk;                     // tokens of a chunk: 16, 32 or 64; 0 = chosen
    U32 carry;                     // 1: out[1] is the state after the last token
};
#endif
