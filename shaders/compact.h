// compact.h — a new packed layout of the rows that are flagged, in their order, made on the device
#ifndef SHADERS_COMPACT_H
#define SHADERS_COMPACT_H
#include "inc/shared.h"
#endif
