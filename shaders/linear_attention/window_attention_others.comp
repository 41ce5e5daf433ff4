#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/window_attention.h"
#include "shaders/inc/kernel.glsl"
// O_c = sum of S over the blocks of the image but c: those before it, then those after. Never the sum of all less S_c,
// which would leave rounding errors of the window in what is small outside it.
layout(binding = 0) readonly buffer S { float state[]; };      // (images blocks H, F, D + 1)
layout(binding = 1)          buffer O { float others[]; };     // the same
layout(constant_id = SPEC_WINDOW_ATTENTION_DIM) const uint D = 32u;
PUSH_ARGS(window_attention_args);

void main()
{
    uint len = a.heads * a.features * (D + 1u), e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (e >= len)
        return;
    for (uint b = gl_WorkGroupID.z; b < a.images; b += gl_NumWorkGroups.z) {
        uint at = b * a.blocks * len + e;
        float before = 0.0, after = 0.0;
        for (uint c = 0u; c < a.blocks; c++) {
            others[at + c * len] = before;
            before += state[at + c * len];
        }
        for (uint c = a.blocks; c > 0u; c--) {
            others[at + (c - 1u) * len] += after;
            after += state[at + (c - 1u) * len];
        }
    }
}
