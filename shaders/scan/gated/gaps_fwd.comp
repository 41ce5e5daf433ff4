#version 460
#extension GL_GOOGLE_include_directive : require
// Log decays times distances, a column an invocation.
#include "shaders/scan/gated/inc/gaps.glsl"
