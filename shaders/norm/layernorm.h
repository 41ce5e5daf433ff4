// layernorm.h — y = (x - mean) * rstd * gamma + beta      over the last axis
#ifndef SHADERS_LAYERNORM_H
#define SHADERS_LAYERNORM_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

#define SPEC_LAYERNORM_ABSENT 5    // LAYERNORM_NO_*: of gamma and beta those that are not there
#define LAYERNORM_NO_GAMMA 1u
#define LAYERNORM_NO_BETA 2u

struct layernorm_attr {
    F32 eps;
};

struct layernorm_args {
    U32 rows;                      // 0 = packed: the layout knows
    U32 cols;
    F32 eps;
    U32 blocks;                    // partial sums of dgamma and dbeta
};
ARGS_SIZE(layernorm_args, 16);
#endif
