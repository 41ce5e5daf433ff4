#version 460
#extension GL_GOOGLE_include_directive : require
// Gradient of d of the skip, one column at a time.
#include "shaders/scan/gated/inc/skip_bwd_d.glsl"
