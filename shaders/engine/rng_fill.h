// rng_fill.h — fill a buffer with random bits or numbers
#ifndef SHADERS_RNG_FILL_H
#define SHADERS_RNG_FILL_H
#include "shaders/inc/shared.h"

#define RNG_FILL_BITS    0
#define RNG_FILL_UNIFORM 1
#define RNG_FILL_NORMAL  2

struct rng_fill_args {
    U32 len;
    U32 kind;                      // RNG_FILL_*
    U32 seed_lo, seed_hi;
    U32 stream;
    U32 first;                     // counter of element 0
};
ARGS_SIZE(rng_fill_args, 24);
#endif
