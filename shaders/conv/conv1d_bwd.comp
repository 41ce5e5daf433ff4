#version 460
#extension GL_GOOGLE_include_directive : require
// Gradients of the causal depthwise convolution along the tokens, one channel an invocation.
#include "shaders/conv/inc/conv1d_bwd.glsl"
