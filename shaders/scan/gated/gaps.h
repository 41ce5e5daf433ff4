// gaps.h — log decays times the distance to the token before, so that a decay counts dropped tokens
//   y[r, j] = x[r, j] * distance; forward streams: place of r - place of the row before it in its image, 1 for the
//   first; backward streams: place of the row after it - place of r, 1 for the last.
//   Column j belongs to direction (j / width) % dirs, 0 = forward. Places ascend within an image.
#ifndef SHADERS_GAPS_H
#define SHADERS_GAPS_H
#include "shaders/inc/shared.h"

struct gaps_attr {
    U32 width, dirs;
};

struct gaps_args {
    U32 width, dirs;
    U32 cols;                      // of x
    U32 tile;                      // rows of an invocation
};
ARGS_SIZE(gaps_args, 16);
#endif
