#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/window_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// One invocation an element of S_c = sum over the block's rows, in order, of a_row [b_row | 1]^T. Blocks without rows
// get zeros.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer A { float phi[]; };       // (R, H F)
layout(binding = 2) readonly  buffer B { float v[]; };         // (R, ld_b)
layout(binding = 3) writeonly buffer S { float state[]; };     // (images blocks H, F, D + 1)
layout(constant_id = SPEC_WINDOW_ATTENTION_DIM) const uint D = 32u;
PUSH_ARGS(window_attention_args);

void main()
{
    uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, h = gl_WorkGroupID.y, f = e / (D + 1u), d = e % (D + 1u);
    if (f >= a.features)
        return;
    for (uint bc = gl_WorkGroupID.z; bc < a.images * a.blocks; bc += gl_NumWorkGroups.z) {
        uint b = bc / a.blocks, r0 = 0u, end = 0u;
        if (b < Tok.images) {
            end = ROWS_OFFSET(Tok, b + 1u);
            r0 = min(ROWS_OFFSET(Tok, b) + bc % a.blocks * a.window, end);
            end = min(r0 + a.window, end);
        }
        float s = 0.0;
        for (uint row = r0; row < end; row++)
            s += phi[(row * a.heads + h) * a.features + f] *
                 (d < a.head_b ? v[row * a.ld_b + a.col_b + h * a.head_b + d] : 1.0);
        state[((bc * a.heads + h) * a.features + f) * (D + 1u) + d] = s;
    }
}
