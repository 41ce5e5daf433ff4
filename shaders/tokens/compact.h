// compact.h — a new packed layout of the rows that are flagged, in their order, made on the device
#ifndef SHADERS_COMPACT_H
#define SHADERS_COMPACT_H
#include "shaders/inc/shared.h"

struct compact_plan_args {
    U32 max_x;                     // maxComputeWorkGroupCount[0], as in rows_plan_args
};
ARGS_SIZE(compact_plan_args, 4);
#endif
