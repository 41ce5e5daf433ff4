// drop_path.h — stochastic depth (Huang et al. 2016): a branch is dropped for an image, or scaled up
#ifndef SHADERS_DROP_PATH_H
#define SHADERS_DROP_PATH_H
#include "shaders/inc/shared.h"

struct drop_path_attr {
    F32 rate;                      // probability that an image goes without, 0 .. < 1
    U32 stream;                    // which branch this is: others draw other bits from the same key
};

struct drop_path_args {
    U32 cols;
    U32 stream;
    F32 rate;
    F32 scale;                     // 1 / (1 - rate)
};
ARGS_SIZE(drop_path_args, 16);
#endif
