#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/feature_map.h"
#include "shaders/inc/kernel.glsl"
// dw += the parts, in order.
layout(binding = 0) readonly buffer Part { float part[]; };    // (splits, H, D, D)
layout(binding = 1)          buffer DW   { float dw[]; };      // (H, D, D) +=
layout(constant_id = SPEC_FEATURE_MAP_DIM) const uint D = 32u;
PUSH_ARGS(feature_map_args);

void main()
{
    uint n = a.heads * D * D, i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (i >= n)
        return;
    float s = 0.0;
    for (uint k = 0u; k < a.splits; k++)
        s += part[k * n + i];
    dw[i] += s;
}
