// add.h — y = a + b
#ifndef SHADERS_ADD_H
#define SHADERS_ADD_H
#include "shaders/inc/shared.h"

#define ADD_TILE 16                // rows a workgroup takes at a time

struct add_args {
    U32 rows;                      // 0 = packed: the layout knows
    U32 cols;
};
ARGS_SIZE(add_args, 8);
#endif
