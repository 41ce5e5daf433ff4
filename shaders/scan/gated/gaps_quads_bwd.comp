#version 460
#extension GL_GOOGLE_include_directive : require
// Gradient of the gaps, four columns an invocation.
#define QUADS
#define ADD
#include "shaders/scan/gated/inc/gaps.glsl"
