// gather_rows.h — y[r] = x[src[r]]; every source row at most once
#ifndef SHADERS_GATHER_ROWS_H
#define SHADERS_GATHER_ROWS_H
#include "inc/shared.h"
#endif
