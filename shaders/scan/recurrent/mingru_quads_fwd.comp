#version 460
#extension GL_GOOGLE_include_directive : require
// The minimal gated recurrent unit, four channels an invocation.
#define QUADS
#include "shaders/scan/recurrent/inc/mingru_fwd.glsl"
