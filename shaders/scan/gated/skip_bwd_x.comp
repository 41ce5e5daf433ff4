#version 460
#extension GL_GOOGLE_include_directive : require
// Gradients of y and x of the skip, one column at a time.
#include "shaders/scan/gated/inc/skip_bwd_x.glsl"
