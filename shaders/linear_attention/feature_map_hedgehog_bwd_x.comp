#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "shaders/linear_attention/feature_map.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// One invocation a few rows of one head; leaves du for the kernel that makes dw.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer W    { float w[]; };      // (H, D, D)
layout(binding = 2) readonly  buffer Phi  { float phi[]; };    // (R, H 2D)
layout(binding = 3) readonly  buffer DPhi { float dphi[]; };   // (R, H 2D)
layout(binding = 4)           buffer DX   { float dx[]; };     // (R, ld) += in the columns of the heads
layout(binding = 5) writeonly buffer DU   { float du[]; };     // (R, H D)
layout(constant_id = SPEC_FEATURE_MAP_DIM) const uint D = 32u;
layout(constant_id = SPEC_FEATURE_MAP_OWN) const uint OWN = 1u;
PUSH_ARGS(feature_map_args);
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)

void rows_gradient(uint first, uint h)
{
    float g[OWN * D];
    FOR(r, OWN) {
        uint rh = min(first + r, Tok.n - 1u) * a.heads + h, at = rh * 2u * D;
        float p[D], m[D], dot_p = 0.0, dot_m = 0.0;
        FOR(f, D) {
            p[f] = phi[at + f];
            m[f] = phi[at + D + f];
            float s = p[f] * dphi[at + f], t = m[f] * dphi[at + D + f];
            dot_p += s;
            dot_m += t;
            g[r * D + f] = s - t;
        }
        FOR(f, D)
            g[r * D + f] += m[f] * dot_m - p[f] * dot_p;
        if (first + r < Tok.n)
            FOR(f, D)
                du[rh * D + f] = g[r * D + f];
    }
    for (uint d = 0u; d < D; d++) {
        float s[OWN];
        FOR(r, OWN)
            s[r] = 0.0;
        FOR(f, D) {
            float v = w[(h * D + d) * D + f];
            FOR(r, OWN)
                s[r] += g[r * D + f] * v;
        }
        FOR(r, OWN)
            if (first + r < Tok.n)
                dx[(first + r) * a.ld + a.col0 + h * D + d] += s[r];
    }
}

void main()
{
    uint each = (Tok.n + OWN - 1u) / OWN;
    for (uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; e < each * a.heads; e += gl_NumWorkGroups.x * WG)
        rows_gradient(e % each * OWN, e / each);
}
