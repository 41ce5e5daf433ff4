#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// Gradients of v, and of the right side of the system of a chunk. One invocation a column.
#include "inc/delta_dsolve.glsl"
