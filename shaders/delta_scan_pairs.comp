#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// Products of the tokens of a chunk, with their decay. One invocation a column.
#include "inc/delta_pairs.glsl"
