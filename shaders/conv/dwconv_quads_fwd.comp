#version 460
#extension GL_GOOGLE_include_directive : require
// Depthwise convolution, four channels an invocation.
#define QUADS
#include "shaders/conv/inc/dwconv_fwd.glsl"
