#version 460
#extension GL_GOOGLE_include_directive : require
// Depthwise convolution, one channel an invocation.
#include "shaders/conv/inc/dwconv_fwd.glsl"
