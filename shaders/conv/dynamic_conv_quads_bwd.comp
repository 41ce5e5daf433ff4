#version 460
#extension GL_GOOGLE_include_directive : require
// Gradients of the causal convolution along the tokens with a filter a token, four channels an invocation.
#define QUADS
#include "shaders/conv/inc/dynamic_conv_bwd.glsl"
