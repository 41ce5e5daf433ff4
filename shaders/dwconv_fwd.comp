#version 460
#extension GL_GOOGLE_include_directive : require
// Depthwise convolution, one channel an invocation.
#include "inc/dwconv_fwd.glsl"
