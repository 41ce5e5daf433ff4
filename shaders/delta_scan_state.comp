#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// The pass over the states of an image. One invocation a column.
#include "inc/delta_state.glsl"
