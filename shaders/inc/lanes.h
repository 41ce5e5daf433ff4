// lanes.h — spec constants of kernels that give LANES neighbouring invocations to one row.
#ifndef SHADERS_LANES_H
#define SHADERS_LANES_H
#include "shared.h"

#define SPEC_LANES 1               // a power of two, at most the workgroup size
#endif
