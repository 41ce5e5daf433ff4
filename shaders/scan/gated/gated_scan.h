// gated_scan.h — the gated linear recurrence of Mamba-2 (SSD), GLA and their relatives, all streams at once.
//   a stream is one head in one direction: s = h * dirs + dir; dir 0 runs from an image's first token to its
//   last, dir 1 from the last to the first. Per stream, in the order it runs in:
//   S_t = diag(exp(g_t)) S_{t-1} + step_t k_t v_t^T      S (dk, dv), S_0 = start or 0
//   o_t = scale * S_t^T q_t
//   g <= 0: one number a stream (Mamba-2) or one a channel of k (GLA; Yang et al. 2024)
//   backward, dS_t = scale q_t do_t^T + diag(exp(g_{t+1})) dS_{t+1}, with k' = step k:
//   dq_t = scale S_t do_t     dk'_t = dS_t v_t     dv_t = dS_t^T k'_t     dg_t = exp(g_t) (dS_t . S_{t-1})
//   dg is summed from products that contain exp(g_t), never as a difference of two sums.
//   chunked: an element (i, j) of the state takes no other element to move by a row. So inside a chunk a lane
//   walks single elements over all rows, one register each, and sums o_rj over i; between chunks go states.
//   Every factor is an exp(g_t): no exponent is ever a difference, whatever the length of a chunk.
//   split: what each chunk adds, then a pass over the chunks -> states before each chunk -> outputs
//   fused: one workgroup walks the chunks of its image and stream -> the same states; serial: chunks of one row
#ifndef SHADERS_GATED_SCAN_H
#define SHADERS_GATED_SCAN_H
#include "shaders/scan/inc/chunk.h"

// Where a stream (h, dir) finds its first column in a tensor of tokens: col0 + h * head + dir * dir_stride.
// A stride of 0 shares the columns.
struct gated_scan_attr {
    U32 heads, dirs;               // dirs 1 or 2
    U32 dk, dv;                    // state of a stream
    U32 channels;                  // 0: g is one number a stream; 1: dk numbers
    U32 q_col0, q_head, q_dir;
    U32 k_col0, k_head, k_dir;
    U32 v_col0, v_head, v_dir;
    U32 g_col0, g_head, g_dir;
    U32 step_col0, step_head, step_dir;
    F32 scale;                     // of q; 0 = 1
    U32 chunk;                     // tokens of a chunk: 16, 32, 64 or 128; 0 = chosen
    U32 carry;                     // 1: out[1] is the state after the last token
};

#define GATED_SCAN_MAX_DIM 256     // dk and dv
#define SPEC_GATED_SCAN_START 7    // 1: there is a state to start from
#define SPEC_GATED_SCAN_OWN 8      // SIMD forms: vec4 of columns that a lane owns
#define GATED_SCAN_BLOCK 8         // general form: channels staged at a time
#define GATED_SCAN_PIECE 16        // and rows, where it makes the states
#define GATED_SCAN_TALL 16         // SIMD form: channels of k whose states a workgroup walks
#define GATED_SCAN_SUM_ROWS 8      // rows of a workgroup that adds parts up
#define GATED_SCAN_SUM 16          // general form: rows of sums over channels at a time

// A launch takes the streams stream0 .. stream0 + streams - 1.
struct gated_scan_args {
    STRUCT chunk_cols q, k, v, g, step;
    U32 heads, dirs;
    U32 stream0, streams;
    U32 slices;                    // workgroups that share the columns of a stream
    U32 chunks;                    // slots of an image where the states of all chunks are kept
    U32 dk, dv;
    F32 scale;
    U32 rows;                      // capacity, for the places of the parts
    U32 parts;                     // 1: dv is a part (R, streams, dv); 0: it is added
    U32 carry;                     // 1: the last state is wanted
};
ARGS_SIZE(gated_scan_args, 128);

// Adds parts (R, streams, slices, width) into columns of a gradient; streams that share columns in order.
struct gated_scan_sum_args {
    STRUCT chunk_cols to;
    U32 heads, dirs;
    U32 stream0, streams;
    U32 slices, width;
    U32 at;                        // first element of the parts
    U32 heads_to, dirs_to;         // distinct columns: heads or 1, dirs or 1
};
ARGS_SIZE(gated_scan_sum_args, 52);
#endif
