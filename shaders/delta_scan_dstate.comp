#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// The pass over the gradients of the states, backwards. One invocation a column.
#define BACKWARD
#include "inc/delta_state.glsl"
