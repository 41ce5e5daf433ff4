#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
// The pass over the gradients of the states, backwards. One invocation a column.
#define BACKWARD
#include "shaders/scan/delta/inc/delta_state.glsl"
