#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "feature_map.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
// One invocation a row and head; leaves du for the kernel that makes dw.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer W    { float w[]; };      // (H, D, D)
layout(binding = 2) readonly  buffer Phi  { float phi[]; };    // (R, H 2D)
layout(binding = 3) readonly  buffer DPhi { float dphi[]; };   // (R, H 2D)
layout(binding = 4)           buffer DX   { float dx[]; };     // (R, ld) += in the columns of the heads
layout(binding = 5) writeonly buffer DU   { float du[]; };     // (R, H D)
layout(constant_id = SPEC_FEATURE_MAP_DIM) const uint D = 32u;
PUSH_ARGS(feature_map_args);

void row_gradient(uint row, uint h)
{
    float g[D], p[D], m[D], dot_p = 0.0, dot_m = 0.0;
    uint at = (row * a.heads + h) * 2u * D;
    [[unroll]] for (uint f = 0u; f < D; f++) {
        p[f] = phi[at + f];
        m[f] = phi[at + D + f];
        float x = p[f] * dphi[at + f], y = m[f] * dphi[at + D + f];
        dot_p += x;
        dot_m += y;
        g[f] = x - y;
    }
    [[unroll]] for (uint f = 0u; f < D; f++) {
        g[f] += m[f] * dot_m - p[f] * dot_p;
        du[(row * a.heads + h) * D + f] = g[f];
    }
    for (uint d = 0u; d < D; d++) {
        float s = 0.0;
        [[unroll]] for (uint f = 0u; f < D; f++)
            s += g[f] * w[(h * D + d) * D + f];
        dx[row * a.ld + a.col0 + h * D + d] += s;
    }
}

void main()
{
    for (uint row = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; row < Tok.n; row += gl_NumWorkGroups.x * WG)
        row_gradient(row, gl_WorkGroupID.y);
}
