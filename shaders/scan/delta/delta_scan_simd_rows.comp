#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
// Sums of a token that the gradients of g and beta need. SIMD form, a token a lane.
#define SIMD_FORM
#include "shaders/scan/delta/inc/delta_rows.glsl"
