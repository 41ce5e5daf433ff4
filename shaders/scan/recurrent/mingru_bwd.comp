#version 460
#extension GL_GOOGLE_include_directive : require
// Gradients of the minimal gated recurrent unit, one channel an invocation.
#include "shaders/scan/recurrent/inc/mingru_bwd.glsl"
