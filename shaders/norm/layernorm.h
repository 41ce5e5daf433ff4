// layernorm.h — y = (x - mean) * rstd * gamma + beta      over the last axis
#ifndef SHADERS_LAYERNORM_H
#define SHADERS_LAYERNORM_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

#define SPEC_LAYERNORM_PARTS 4     // four columns at a time: sums of a row that are added up separately, 1, 2 or 4

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
