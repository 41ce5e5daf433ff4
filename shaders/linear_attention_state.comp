#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "linear_attention.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
// One invocation sums one feature's row of the state (or a block of its columns) over the image's tokens,
// in order. Images that are not live get zeros.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer A { float phi[]; };       // (R, H F)
layout(binding = 2) readonly  buffer B { float v[]; };         // (R, ld_b)
layout(binding = 3) writeonly buffer S { float state[]; };     // (images H, F, D + 1)
layout(constant_id = SPEC_LINEAR_ATTENTION_DIM) const uint D = 32u;
layout(constant_id = SPEC_LINEAR_ATTENTION_COLS) const uint COLS = 33u;
layout(constant_id = SPEC_LINEAR_ATTENTION_BLOCKS) const uint BLOCKS = 1u;
PUSH_ARGS(linear_attention_state_args);
#define STEP 4u

void main()
{
    uint h = gl_WorkGroupID.y, b = gl_WorkGroupID.z;
    uint c0 = BLOCKS == 1u ? 0u : (gl_WorkGroupID.x % BLOCKS) * COLS;
    uint f = (gl_WorkGroupID.x / BLOCKS) * WG + gl_LocalInvocationID.x;
    if (f >= a.features)
        return;
    float acc[COLS];
    [[unroll]] for (uint c = 0u; c < COLS; c++)
        acc[c] = 0.0;
    uint r0 = 0u, end = 0u;
    if (b < Tok.images) {
        r0 = ROWS_OFFSET(Tok, b);
        end = ROWS_OFFSET(Tok, b + 1u);
    }
    for (uint r = r0; r < end; r += STEP) {
        float x[STEP];
        uint at[STEP];
        [[unroll]] for (uint k = 0u; k < STEP; k++) {
            uint row = min(r + k, end - 1u);
            float p = phi[(row * a.heads + h) * a.features + f];
            x[k] = r + k < end ? p : 0.0;
            at[k] = row * a.ld_b + a.col_b + h * a.head_b;
        }
        [[unroll]] for (uint c = 0u; c < COLS; c++) {
            float s = acc[c];
            [[unroll]] for (uint k = 0u; k < STEP; k++) {
                float y = 1.0;
                if (c0 + c < D || (c0 + c == D && a.head_b > D))
                    y = v[at[k] + c0 + c];
                s += x[k] * y;
            }
            acc[c] = s;
        }
    }
    uint out0 = ((b * a.heads + h) * a.features + f) * (D + 1u);
    [[unroll]] for (uint c = 0u; c < COLS; c++)
        if (c0 + c < D + 1u)
            state[out0 + c0 + c] = acc[c];
}
