#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear/linear.h"
#include "shaders/inc/kernel.glsl"
// Adds partial sums, in order, into a gradient.
layout(binding = 0) readonly buffer Part { float part[]; };    // (splits, len)
layout(binding = 1)          buffer D    { float d[]; };       // (len) +=
PUSH_ARGS(linear_reduce_args);

void main()
{
    for (uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; i < a.len; i += gl_NumWorkGroups.x * WG) {
        float sum = 0.0;
        for (uint s = 0u; s < a.splits; s++)
            sum += part[s * a.len + i];
        d[i] += sum;
    }
}
