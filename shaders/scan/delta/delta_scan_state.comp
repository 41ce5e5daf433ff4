#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
// The pass over the states of an image. One invocation a column.
#include "shaders/scan/delta/inc/delta_state.glsl"
