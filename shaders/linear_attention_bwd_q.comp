#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "linear_attention.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
// One invocation a query: the gradient g of its numerator and denominator, and dphi_q.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer PhiQ  { float phi[]; };   // (R, H F)
layout(binding = 2) readonly  buffer S     { float state[]; }; // (images H, F, D + 1)
layout(binding = 3) readonly  buffer Y     { float y[]; };     // (R, H D)
layout(binding = 4) readonly  buffer DY    { float dy[]; };    // (R, H D)
layout(binding = 5)           buffer DPhiQ { float dphi[]; };  // (R, H F) +=
layout(binding = 6) writeonly buffer G     { float g[]; };     // (R, H (D + 1))
layout(constant_id = SPEC_LINEAR_ATTENTION_DIM) const uint D = 32u;
PUSH_ARGS(linear_attention_args);

void main()
{
    uint h = gl_WorkGroupID.y, b = gl_WorkGroupID.z, i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (b >= Tok.images)
        return;
    uint row = ROWS_OFFSET(Tok, b) + i;
    if (row >= ROWS_OFFSET(Tok, b + 1u))
        return;
    uint rh = row * a.heads + h, z0 = (b * a.heads + h) * a.features * (D + 1u);
    float s = 0.0, dot_y = 0.0, dn[D + 1u];
    for (uint f = 0u; f < a.features; f++)
        s += phi[rh * a.features + f] * state[z0 + f * (D + 1u) + D];
    float inv = 1.0 / max(s, LINEAR_ATTENTION_EPS);
    [[unroll]] for (uint c = 0u; c < D; c++) {
        dn[c] = dy[rh * D + c] * inv;
        dot_y += dn[c] * y[rh * D + c];
    }
    dn[D] = s > LINEAR_ATTENTION_EPS ? -dot_y : 0.0;   // a clamped denominator is constant
    [[unroll]] for (uint c = 0u; c <= D; c++)
        g[rh * (D + 1u) + c] = dn[c];
    for (uint f = 0u; f < a.features; f++) {
        float t = 0.0;
        [[unroll]] for (uint c = 0u; c <= D; c++)
            t += dn[c] * state[z0 + f * (D + 1u) + c];
        dphi[rh * a.features + f] += t;
    }
}
