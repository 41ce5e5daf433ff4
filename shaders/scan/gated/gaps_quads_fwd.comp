#version 460
#extension GL_GOOGLE_include_directive : require
// Log decays times distances, four columns an invocation.
#define QUADS
#include "shaders/scan/gated/inc/gaps.glsl"
