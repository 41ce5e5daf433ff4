#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/qv_bias.h"
#include "shaders/inc/kernel.glsl"
// Element by element.
layout(binding = 0) readonly  buffer X { float x[]; };      // (3C)
layout(binding = 1) writeonly buffer Y { float y[]; };      // (3C)
PUSH_ARGS(qv_bias_args);

void main()
{
    uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (i < 3u * a.cols)
        y[i] = i / a.cols == 1u ? 0.0 : x[i];
}
