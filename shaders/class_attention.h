// class_attention.h — how much the first token of an image attends to each, mean over heads
//   score_j = 1/H sum_h exp(scale q_0 . k_j - lse_0)
#ifndef SHADERS_CLASS_ATTENTION_H
#define SHADERS_CLASS_ATTENTION_H
#include "inc/shared.h"

struct class_attention_attr {
    U32 heads;
    F32 scale;                     // 0 = 1 / sqrt(D)
};
#endif
