// pool.h — what a classifier reads of an image's tokens: the mean patch, or the first token and it side by side.
//   y_b = mean of x over the tokens from place `prefix` on;  with the token:  y_b = (x of the first row, that mean)
// An image without patches has the mean 0.
#ifndef SHADERS_POOL_H
#define SHADERS_POOL_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

struct pool_attr {
    U32 token;                     // 1 = the first token too, before the mean
};

struct pool_args {
    U32 token;
    U32 prefix;
    U32 cols;                      // of x
};
ARGS_SIZE(pool_args, 12);
#endif
