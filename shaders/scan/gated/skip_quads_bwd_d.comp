#version 460
#extension GL_GOOGLE_include_directive : require
// Gradient of d of the skip, four columns at a time.
#define QUADS
#include "shaders/scan/gated/inc/skip_bwd_d.glsl"
