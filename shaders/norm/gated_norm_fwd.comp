#version 460
#extension GL_GOOGLE_include_directive : require
// Gated norm, one column at a time.
#include "shaders/norm/inc/gated_norm_fwd.glsl"
