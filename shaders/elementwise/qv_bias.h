// qv_bias.h — the bias of q, k and v where k has none: the middle third as zeros.
#ifndef SHADERS_QV_BIAS_H
#define SHADERS_QV_BIAS_H
#include "shaders/inc/shared.h"

struct qv_bias_args {
    U32 cols;                      // C
};
ARGS_SIZE(qv_bias_args, 4);
#endif
