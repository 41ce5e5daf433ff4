#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/optim/adamw.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/reduce.glsl"
// Sum of squares of one block, one partial sum a workgroup.
layout(binding = 0) readonly  buffer G       { float g[]; };        // (len)
layout(binding = 1) writeonly buffer Partial { float partial[]; };
PUSH_ARGS(sumsq_args);

void main()
{
    float s = 0.0;
    for (uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; i < a.len; i += gl_NumWorkGroups.x * WG)
        s += g[i] * g[i];
    s = wg_sum(s);
    if (gl_LocalInvocationID.x == 0u)
        partial[a.first + gl_WorkGroupID.x] = s;
}
