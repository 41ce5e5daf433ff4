// attention_stats.h — how concentrated each row of an attention map is, without a map.
//   p_j = exp(scale q.k_j - lse) over the keys of the image, n of them; sorted, p_(1) >= p_(2) ...
//   entropy  -sum p ln p / ln n  (0 for n = 1)
//   mass90   smallest k with p_(1) + ... + p_(k) >= 0.9, / n
//   top10    p_(1) + ... + p_(m), m = ceil(n / 10)
#ifndef SHADERS_ATTENTION_STATS_H
#define SHADERS_ATTENTION_STATS_H
#include "inc/shared.h"

#define ATTENTION_STATS_N 3            // numbers a row and head, in the order above
#define ATTENTION_STATS_MAX_TOKENS 2048
#define SPEC_STATS_ROOM 1              // power of two >= the most tokens of an image; keys in workgroup memory

struct attention_stats_attr {
    U32 heads;
    F32 scale;                         // 0 = head_dim^-0.5
};

struct attention_stats_args {
    U32 heads;
    U32 head_dim;
    F32 scale;
};
ARGS_SIZE(attention_stats_args, 12);
#endif
