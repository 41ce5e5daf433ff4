// first_rows.h — the first row of every image (its class token)
#ifndef SHADERS_FIRST_ROWS_H
#define SHADERS_FIRST_ROWS_H
#include "inc/shared.h"
#include "inc/lanes.h"

struct first_rows_args {
    U32 cols;
};
ARGS_SIZE(first_rows_args, 4);
#endif
