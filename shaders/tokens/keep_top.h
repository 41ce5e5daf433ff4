// keep_top.h — flags of the `count` tokens of an image with the highest scores
//   The lower place wins a tie, NaN is lowest. The first `prefix` places (class token) are kept besides. An image with
//   fewer tokens keeps all. Places ascend within an image.
#ifndef SHADERS_KEEP_TOP_H
#define SHADERS_KEEP_TOP_H
#include "shaders/inc/shared.h"

struct keep_top_attr {
    U32 count, prefix;
};

struct keep_top_args {
    U32 count, prefix;
};
ARGS_SIZE(keep_top_args, 8);

#define KEEP_TOP_BITS 8            // of a score that one pass sorts by
#define KEEP_TOP_BINS 256
#endif
