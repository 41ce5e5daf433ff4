// lanes.h — spec constants of kernels that give LANES neighbouring invocations to one row.
#ifndef SHADERS_LANES_H
#define SHADERS_LANES_H
#include "shaders/inc/shared.h"

#define SPEC_LANES 1               // a power of two, at most the workgroup size
#define SPEC_COLS  2               // columns
#define SPEC_ONCE  3               // 1 = there is a workgroup for every tile of rows: no loop over tiles
#define SPEC_PARTS 4               // norm/inc/row_parts.glsl: sums of a row that are added up separately, 1, 2 or 4
#endif
