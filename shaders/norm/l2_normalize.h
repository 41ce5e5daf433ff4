// l2_normalize.h — rows scaled to length 1: y = x / max(|x|, UNIT_LEAST), as CLIP compares pictures with class vectors.
#ifndef SHADERS_L2_NORMALIZE_H
#define SHADERS_L2_NORMALIZE_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

#define UNIT_LEAST 1e-12           // a row of zeros stays one

struct l2_normalize_args {
    U32 rows;                      // 0 = packed: the layout knows
    U32 cols;
};
ARGS_SIZE(l2_normalize_args, 8);
#endif
