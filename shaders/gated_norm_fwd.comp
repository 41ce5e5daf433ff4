#version 460
#extension GL_GOOGLE_include_directive : require
// Gated norm, one column at a time.
#include "inc/gated_norm_fwd.glsl"
