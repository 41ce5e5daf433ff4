#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// Tiled form: delta = do . o of every row and head; one invocation each.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer O     { float o[]; };     // (R, C)
layout(binding = 2) readonly  buffer DO    { float dout[]; };  // (R, C)
layout(binding = 3) writeonly buffer Delta { float delta[]; }; // (R, H)
layout(constant_id = SPEC_ATTENTION_DIM) const uint D = 32u;
PUSH_ARGS(attention_args);

void main()
{
    uint total = Tok.n * a.heads;
    for (uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; e < total; e += gl_NumWorkGroups.x * WG) {
        float s = 0.0;
        for (uint d = 0u; d < D; d++)
            s += o[e * D + d] * dout[e * D + d];
        delta[e] = s;
    }
}
