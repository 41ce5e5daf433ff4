#version 460
#extension GL_GOOGLE_include_directive : require
// Causal convolution along the tokens with a filter a token, four channels an invocation.
#define QUADS
#include "shaders/conv/inc/dynamic_conv_fwd.glsl"
