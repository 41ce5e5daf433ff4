// keep_top.h — flags of the `count` tokens of an image with the highest scores; the lower place wins a tie, NaN is lowest
//   The first `prefix` places (class token) are kept besides. An image with fewer tokens keeps all.
#ifndef SHADERS_KEEP_TOP_H
#define SHADERS_KEEP_TOP_H
#include "inc/shared.h"

struct keep_top_attr {
    U32 count, prefix;
};
#endif
