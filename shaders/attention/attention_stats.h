// attention_stats.h — how concentrated each row of an attention map is, by eight measures, without a map.
//   p = softmax(scale q.k_j) over n keys of the image; sorted, p_1 >= p_2 ..., H = -sum p ln p
//   0 entropy        H / ln n
//   1 effective      exp(H) / n
//   2 gini           sum p_i (n + 1 - 2 i) / n
//   3 hoyer          (sqrt n - 1 / |p|) / (sqrt n - 1)
//   4 participation  1 / (n sum p^2)
//   5 below          share of the keys with n p < 1 - e
//   6 top10          p_1 + ... + p_m, m = ceil(n / 10)
//   7 mass90         smallest k with p_1 + ... + p_k >= 0.9 - e, / n
// Causal: row i of an image sees its rows 0 .. i, so n = i + 1. With KV heads of keys, head h meets head h / (H / KV).
// e = 1e-4 keeps the two that jump from jumping by rounding where weights are even: p = 1 / n is not below, and 9 of
// 10 even keys hold 0.9. Two sets of keys, one after the other: all of them, and without the class token's (place 0 of
// a layout with a prefix, where it is still there and such a token). With n < 2 all eight are ATTENTION_STATS_NONE.
#ifndef SHADERS_ATTENTION_STATS_H
#define SHADERS_ATTENTION_STATS_H
#include "shaders/attention/attention_bias.h"

#define ATTENTION_STATS_MEASURES 8
#define ATTENTION_STATS_SETS 2
#define ATTENTION_STATS_N 16           // numbers a row and head: (sets, measures)
#define ATTENTION_STATS_NONE (-1.0)
#define ATTENTION_STATS_EDGE 1e-4
#define ATTENTION_STATS_MAX_TOKENS 2048
#define SPEC_STATS_ROOM 1              // power of two >= the most tokens of an image; scores in workgroup memory

struct attention_stats_attr {
    U32 heads;
    F32 scale;                         // 0 = head_dim^-0.5
    U32 no_class;                      // 1 = the prefix does not begin with a class token: both sets are the same
    U32 grid_w;                        // with a table of relative positions: patches a row of the grid
    U32 causal, kv_heads;              // as of op attention
};

struct attention_stats_args {
    U32 heads;
    U32 head_dim;
    U32 has_class;                     // does the layout's prefix begin with a class token?
    F32 scale;
    STRUCT attention_bias_args bias;
    U32 causal;
    U32 kv_heads;                      // of qkv (R, (H + 2 KV) D), not 0
};
ARGS_SIZE(attention_stats_args, 36);
#endif
