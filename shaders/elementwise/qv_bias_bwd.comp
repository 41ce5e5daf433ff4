#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/qv_bias.h"
#include "shaders/inc/kernel.glsl"
// dx += dy, but for the bias of k.
layout(binding = 0) readonly buffer DY { float dy[]; };     // (3C)
layout(binding = 1)          buffer DX { float dx[]; };     // (3C) +=
PUSH_ARGS(qv_bias_args);

void main()
{
    uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (i < 3u * a.cols && i / a.cols != 1u)
        dx[i] += dy[i];
}
