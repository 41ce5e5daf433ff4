#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// Gradients that come through the states. One invocation a column.
#include "inc/delta_dread.glsl"
