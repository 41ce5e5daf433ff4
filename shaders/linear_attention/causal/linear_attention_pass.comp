#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/inc/kernel.glsl"
// States of an image's chunks, in place: of each the sum over the chunks before it, or behind it, in that order. An
// invocation an element, z = image.
layout(binding = 0) buffer S { float state[]; };               // (images, chunks, len)
PUSH_ARGS(linear_attention_pass_args);

void main()
{
    uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    uint at = gl_WorkGroupID.z * a.chunks * a.len + min(e, a.len - 1u);
    float sum = 0.0;
    for (uint i = 0u; i < a.chunks; i++) {
        uint k = at + (a.later == 0u ? i : a.chunks - 1u - i) * a.len;
        float own = state[k];
        if (e < a.len)
            state[k] = sum;
        sum += own;
    }
}
