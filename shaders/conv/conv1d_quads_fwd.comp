#version 460
#extension GL_GOOGLE_include_directive : require
// Causal depthwise convolution along the tokens, four channels an invocation.
#define QUADS
#include "shaders/conv/inc/conv1d_fwd.glsl"
