// class_attention.h — how much the first token of an image attends to each, mean over heads; or what each receives
//   score_j = 1/H sum_h exp(scale q_0 . k_j - lse_0)
//   received: score_j = 1/(n H) sum_i sum_h exp(scale q_i . k_j - lse_i), the mean over the image's n tokens as well
#ifndef SHADERS_CLASS_ATTENTION_H
#define SHADERS_CLASS_ATTENTION_H
#include "shaders/attention/attention_bias.h"
#include "shaders/inc/lanes.h"

#define SPEC_CLASS_ATTENTION_DIM 4 // channels of a head; in vec4 for the kernel that takes four at a time

struct class_attention_attr {
    U32 heads;
    F32 scale;                     // 0 = 1 / sqrt(D)
    U32 received;                  // 1 = of all tokens; for models without a class token
    U32 grid_w;                    // with a table of relative positions: patches a row of the grid
};

struct class_attention_args {
    U32 heads;
    F32 scale;
    U32 received;
    STRUCT attention_bias_args bias;
};
ARGS_SIZE(class_attention_args, 24);
#endif
