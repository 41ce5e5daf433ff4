#version 460
#extension GL_GOOGLE_include_directive : require
// Gradient of the gaps, a column an invocation.
#define ADD
#include "shaders/scan/gated/inc/gaps.glsl"
