#version 460
#extension GL_GOOGLE_include_directive : require
// Skip, four columns at a time.
#define QUADS
#include "shaders/scan/gated/inc/skip_fwd.glsl"
