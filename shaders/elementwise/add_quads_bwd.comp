#version 460
#extension GL_GOOGLE_include_directive : require
// The gradient of a sum, four columns at a time.
#define QUADS
#include "shaders/elementwise/inc/add_bwd.glsl"
