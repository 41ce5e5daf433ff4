#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
// The pass over the gradients of the states, backwards. SIMD form, four columns a lane.
#define SIMD_FORM
#define BACKWARD
#include "shaders/scan/delta/inc/delta_state.glsl"
