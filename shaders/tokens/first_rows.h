// first_rows.h — the first row of every image (its class token), or the one `index` rows after it
#ifndef SHADERS_FIRST_ROWS_H
#define SHADERS_FIRST_ROWS_H
#include "shaders/inc/shared.h"
#include "shaders/inc/lanes.h"

struct first_rows_attr {
    U32 index;
};

struct first_rows_args {
    U32 cols;
    U32 index;
};
ARGS_SIZE(first_rows_args, 8);
#endif
