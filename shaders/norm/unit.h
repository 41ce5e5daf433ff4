// unit.h — rows scaled to length 1: y = x / max(|x|, UNIT_LEAST), as CLIP compares pictures with class vectors.
#ifndef SHADERS_UNIT_H
#define SHADERS_UNIT_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

#define UNIT_LEAST 1e-12           // a row of zeros stays one

struct unit_args {
    U32 rows;                      // 0 = packed: the layout knows
    U32 cols;
};
ARGS_SIZE(unit_args, 8);
#endif
