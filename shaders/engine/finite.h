// finite.h — count the values of a tensor that are NaN or infinite
#ifndef SHADERS_FINITE_H
#define SHADERS_FINITE_H
#include "shaders/inc/shared.h"

struct finite_args {
    U32 rows;                      // of a plain tensor; 0 = the live rows of the layout
    U32 cols;
    U32 first, len;                // the elements of the tensor that x holds
};
ARGS_SIZE(finite_args, 16);
#endif
