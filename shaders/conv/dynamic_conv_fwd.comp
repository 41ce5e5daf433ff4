#version 460
#extension GL_GOOGLE_include_directive : require
// Causal convolution along the tokens with a filter a token, one channel an invocation.
#include "shaders/conv/inc/dynamic_conv_fwd.glsl"
