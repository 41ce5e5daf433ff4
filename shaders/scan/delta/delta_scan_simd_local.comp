#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
// A chunk's own part of the gradient of U. SIMD form, four columns a lane.
#define SIMD_FORM
#include "shaders/scan/delta/inc/delta_local.glsl"
