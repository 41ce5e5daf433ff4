#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "linear_attention.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
// One invocation a query reads the state of its image and head.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer PhiQ { float phi[]; };    // (R, H F)
layout(binding = 2) readonly  buffer S    { float state[]; };  // (images H, F, D + 1)
layout(binding = 3) writeonly buffer Y    { float y[]; };      // (R, H D)
layout(constant_id = SPEC_LINEAR_ATTENTION_DIM) const uint D = 32u;
PUSH_ARGS(linear_attention_args);
#define STEP 4u

void main()
{
    uint h = gl_WorkGroupID.y, b = gl_WorkGroupID.z, i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (b >= Tok.images)
        return;
    uint row = ROWS_OFFSET(Tok, b) + i;
    if (row >= ROWS_OFFSET(Tok, b + 1u))
        return;
    float acc[D + 1u];
    [[unroll]] for (uint c = 0u; c <= D; c++)
        acc[c] = 0.0;
    uint z0 = (b * a.heads + h) * a.features, p0 = (row * a.heads + h) * a.features;
    for (uint f = 0u; f < a.features; f += STEP) {
        float x[STEP];
        uint at[STEP];
        [[unroll]] for (uint k = 0u; k < STEP; k++) {
            uint g = min(f + k, a.features - 1u);
            float p = phi[p0 + g];
            x[k] = f + k < a.features ? p : 0.0;
            at[k] = (z0 + g) * (D + 1u);
        }
        [[unroll]] for (uint c = 0u; c <= D; c++) {
            float s = acc[c];
            [[unroll]] for (uint k = 0u; k < STEP; k++)
                s += x[k] * state[at[k] + c];
            acc[c] = s;
        }
    }
    float den = max(acc[D], LINEAR_ATTENTION_EPS);
    [[unroll]] for (uint c = 0u; c < D; c++)
        y[(row * a.heads + h) * D + c] = acc[c] / den;
}
