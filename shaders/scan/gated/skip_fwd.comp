#version 460
#extension GL_GOOGLE_include_directive : require
// Skip, one column at a time.
#include "shaders/scan/gated/inc/skip_fwd.glsl"
