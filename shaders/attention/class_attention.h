// class_attention.h — how much the first token of an image attends to each, mean over heads
//   score_j = 1/H sum_h exp(scale q_0 . k_j - lse_0)
#ifndef SHADERS_CLASS_ATTENTION_H
#define SHADERS_CLASS_ATTENTION_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

#define SPEC_CLASS_ATTENTION_DIM 4 // channels of a head; in vec4 for the kernel that takes four at a time

struct class_attention_attr {
    U32 heads;
    F32 scale;                     // 0 = 1 / sqrt(D)
};

struct class_attention_args {
    U32 heads;
    F32 scale;
};
ARGS_SIZE(class_attention_args, 8);
#endif
