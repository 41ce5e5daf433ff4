#version 460
#extension GL_GOOGLE_include_directive : require
// Causal depthwise convolution along the tokens, one channel an invocation.
#include "shaders/conv/inc/conv1d_fwd.glsl"
