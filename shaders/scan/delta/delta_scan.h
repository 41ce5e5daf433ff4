// delta_scan.h — the gated delta rule (Yang et al. 2025), all streams at once. Streams, directions and columns as in
// gated_scan.h. Per stream, in the order it runs in:
//   S~ = exp(g_t) S_{t-1}     u_t = beta_t (v_t - S~^T k_t)     S_t = S~ + k_t u_t^T     o_t = scale * S_t^T q_t
//   g <= 0 and beta: one number a stream; k has length 1
//   chunked, G_r = sum of g up to r inside the chunk, S the state before it:
//   A_rs = beta_r exp(G_r - G_s) (k_r . k_s), r > s     (I + A) U = beta (V - exp(G) K S)
//   o_r = exp(G_r) S^T q_r + sum_{s <= r} exp(G_r - G_s) (q_r . k_s) U_s
//   S' = exp(G_last) S + sum_s exp(G_last - G_s) k_s U_s^T
//   backward, dH the gradient of S', P_rs = exp(G_r - G_s) (q_r . k_s):
//   dU = P^T dO + exp(G_last - G) K dH     (I + A)^T dR = dU
//   gradient of S: exp(G_last) dH + (exp(G) Q)^T dO - (beta exp(G) K)^T dR
//   dg_t collects the products that contain exp(g_t), and never subtracts one that does not.
#ifndef SHADERS_DELTA_SCAN_H
#define SHADERS_DELTA_SCAN_H
#include "shaders/inc/shared.h"

#define DELTA_SCAN_MAX_DIM 128

#define SPEC_DELTA_DK 1            // dk
#define SPEC_DELTA_DV 2            // dv
#define SPEC_DELTA_CHUNK 3         // Q, tokens of a chunk
#define SPEC_DELTA_SIMD 4          // SIMD form: the subgroup size
#define SPEC_DELTA_BLOCK 5         // rows of a triangular solve at a time; left at its default

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

// Private memory, N streams of a launch, R rows at capacity, n = R N, C chunks of all images at capacity:
//   0: W, then state parts (n, dk) of dq; of dk through S; of dk through dH      1: U, dU and then dR, dv (n, dv) each
//   2: states before each chunk (C N, dk, dv), dH after each, rows of S . dH (C N, dk)
//   3: gates (n, 4): exp(G), exp(G_last - G), beta, g; then of Q columns each: k . k and scale q . k with their decay,
//      gradients of q . k and k . k, products for dg, products for dbeta; sums of a row (n, 4); dbeta (n); dg (n)
struct delta_scan_args {
    U32 heads, dirs;
    U32 stream0, streams;          // of this launch
    U32 chunks;                    // of an image, at capacity
    U32 rows;                      // R
    F32 scale;
    U32 has_start, carry;
    U32 q_ld, q_col0, q_head, q_dir;
    U32 k_ld, k_col0, k_head, k_dir;
    U32 v_ld, v_col0, v_head, v_dir;
    U32 g_ld, g_col0, g_head, g_dir;
    U32 beta_ld, beta_col0, beta_head, beta_dir;
};
ARGS_SIZE(delta_scan_args, 116);
#endif
