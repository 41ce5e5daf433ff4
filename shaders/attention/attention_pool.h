// attention_pool.h — what one learned query reads of the patches of each image, head by head: attention pooling.
//   s_jh = scale q_h . k_jh     p_jh = softmax of s_h over the image's patches    o_h = sum_j p_jh v_jh
//   backward: dp_jh = do_h . v_jh     ds_jh = p_jh (dp_jh - do_h . o_h)
//             dv_jh = p_jh do_h   dk_jh = scale ds_jh q_h   dq_h = scale sum over all images and patches of ds_jh k_jh
// Patches are the tokens from place `prefix` on, all others have p = 0. An image without patches reads 0.
#ifndef SHADERS_ATTENTION_POOL_H
#define SHADERS_ATTENTION_POOL_H
#include "shaders/inc/shared.h"

#define ATTENTION_POOL_WG 64

struct attention_pool_attr {
    U32 heads;
    F32 scale;                     // 0 = 1 / sqrt(channels of a head)
};

struct attention_pool_args {
    U32 heads;
    U32 head_dim;
    F32 scale;
    U32 prefix;
};
ARGS_SIZE(attention_pool_args, 16);

// The gradient of the query, over the rows first .. last - 1.
struct attention_pool_bwd_q_args {
    U32 heads;
    U32 head_dim;
    U32 first, last;
};
ARGS_SIZE(attention_pool_bwd_q_args, 16);
#endif
