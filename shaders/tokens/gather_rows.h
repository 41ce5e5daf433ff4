// gather_rows.h — y[r] = x[src[r]]; every source row at most once
#ifndef SHADERS_GATHER_ROWS_H
#define SHADERS_GATHER_ROWS_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

struct gather_rows_args {
    U32 rows;                      // that x has room for: a source beyond is no row
};
ARGS_SIZE(gather_rows_args, 4);
#endif
