#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
// Outputs of a chunk. SIMD form, four columns a lane.
#define SIMD_FORM
#include "shaders/scan/delta/inc/delta_out.glsl"
