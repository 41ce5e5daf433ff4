#version 460
#extension GL_GOOGLE_include_directive : require
// The minimal gated recurrent unit, one channel an invocation.
#include "shaders/scan/recurrent/inc/mingru_fwd.glsl"
