// attention.h — softmax attention inside each image, all heads of a packed batch.
//   s_ij = scale * q_i . k_j     p_i = softmax(s_i)     o_i = sum_j p_ij v_j     lse_i = log sum_j exp(s_ij)
//   backward: delta_i = do_i . o_i     ds_ij = p_ij (do_i . v_j - delta_i)
//             dv_j = sum_i p_ij do_i   dq_i = scale sum_j ds_ij k_j   dk_j = scale sum_i ds_ij q_i
// Causal: the sums over j go over the rows of the image up to i, those over i over the rows from j on.
// With KV heads of keys and values, KV divides H, query head h meets head h / (H / KV) of them, whose dk and dv are the
// sums of what its H / KV query heads give, in their order.
// With relative positions more is added to s_ij (attention_bias.h).
#ifndef SHADERS_ATTENTION_H
#define SHADERS_ATTENTION_H
#include "shaders/attention/attention_bias.h"

#define SPEC_ATTENTION_DIM 1       // channels of a head, 1..128
#define SPEC_ATTENTION_BLOCK 2     // SIMD form: keys (queries, for dk and dv) taken at a time
#define SPEC_ATTENTION_SLICE 2     // tiled form: channels staged at a time, 32 or 64
#define SPEC_ATTENTION_SLICES 3    // tiled form: ceil(dim / slice)
#define SPEC_ATTENTION_OWN 3       // SIMD form: rows that a lane owns

#define SPEC_ATTENTION_CAUSAL 7    // 1 = causal
#define SPEC_ATTENTION_GROUP 8     // query heads of a head of keys and values, H / KV

#define ATTENTION_MAX_DIM 128
#define ATTENTION_TILE 32          // tiled form: rows of a tile, both ways
#define ATTENTION_TILE_WG 64       // tiled form: its only workgroup size

struct attention_attr {
    U32 heads;
    F32 scale;                     // 0 = 1 / sqrt(dim)
    U32 grid_w;                    // with a table of relative positions: patches a row of the grid
    U32 causal;                    // 1 = row i of an image sees its rows 0 .. i; without a table
    U32 kv_heads;                  // heads of keys and of values, a divisor of `heads`; 0 = as many as `heads`
};

// Tiled form: a launch takes the rows first .. last - 1 of each image of those that its own rows meet, whole tiles, and
// goes on where the one before it ended.
struct attention_args {
    U32 heads;
    F32 scale;
    STRUCT attention_bias_args bias;
    U32 first, last;
};
ARGS_SIZE(attention_args, 28);

// dk and dv: of the query heads first_head .. last_head - 1 of each group.
struct attention_bwd_kv_args {
    U32 heads;
    F32 scale;
    STRUCT attention_bias_args bias;
    U32 first, last;
    U32 first_head, last_head;
};
ARGS_SIZE(attention_bwd_kv_args, 36);

// The gradient of the table, in parts that are summed by another kernel: part p is of images p, p + parts, ... A launch
// adds what the queries first .. last - 1 of each image give; the one with first = 0 clears the parts.
struct attention_bwd_bias_args {
    U32 heads;
    F32 scale;
    STRUCT attention_bias_args bias;
    U32 parts;
    U32 first, last;
};
ARGS_SIZE(attention_bwd_bias_args, 32);
#endif
