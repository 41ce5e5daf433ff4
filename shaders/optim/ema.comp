#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/optim/adamw.h"
#include "shaders/inc/kernel.glsl"
// The average of a block's values moves towards them.
layout(binding = 0)          buffer Avg  { float avg[]; };      // (len)
layout(binding = 1) readonly buffer P    { float p[]; };        // (len)
layout(binding = 2) readonly buffer Step { adamw_step s; };
PUSH_ARGS(ema_args);

void main()
{
    for (uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; i < a.len; i += gl_NumWorkGroups.x * WG)
        avg[i] += s.ema_rest * (p[i] - avg[i]);
}
