#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// Outputs of a chunk. One invocation a column.
#include "inc/delta_out.glsl"
