#version 460
#extension GL_GOOGLE_include_directive : require
// Log decays times distances, a column an invocation.
#include "inc/gaps.glsl"
