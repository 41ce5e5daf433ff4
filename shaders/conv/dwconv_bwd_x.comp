#version 460
#extension GL_GOOGLE_include_directive : require
// Gradient of the input of a depthwise convolution, one channel an invocation.
#include "shaders/conv/inc/dwconv_bwd_x.glsl"
