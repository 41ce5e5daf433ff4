#version 460
#extension GL_GOOGLE_include_directive : require
// Gradient of w of the gated norm, four columns at a time.
#define QUADS
#include "shaders/norm/inc/gated_norm_bwd_w.glsl"
