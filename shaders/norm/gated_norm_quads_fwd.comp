#version 460
#extension GL_GOOGLE_include_directive : require
// Gated norm, four columns at a time.
#define QUADS
#include "shaders/norm/inc/gated_norm_fwd.glsl"
