// kl.h — distillation loss: T^2 * mean over rows of KL(softmax(teacher / T) || softmax(student / T))
#ifndef SHADERS_KL_H
#define SHADERS_KL_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

struct kl_attr {
    F32 temperature;               // T > 0
};

struct kl_args {
    U32 rows;                      // 0 = packed: the layout knows
    U32 classes;
    F32 temperature;
};
ARGS_SIZE(kl_args, 12);
#endif
