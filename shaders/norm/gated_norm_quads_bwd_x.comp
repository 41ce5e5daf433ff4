#version 460
#extension GL_GOOGLE_include_directive : require
// Gradients of x and z of the gated norm, four columns at a time.
#define QUADS
#include "shaders/norm/inc/gated_norm_bwd_x.glsl"
