#version 460
#extension GL_GOOGLE_include_directive : require
// The gradient of a sum, a number at a time.
#include "shaders/elementwise/inc/add_bwd.glsl"
