#version 460
#extension GL_GOOGLE_include_directive : require
// Gradient of w of the gated norm, one column at a time.
#include "shaders/norm/inc/gated_norm_bwd_w.glsl"
