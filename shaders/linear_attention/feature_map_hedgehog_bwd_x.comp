#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "shaders/linear_attention/feature_map.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// One invocation a few rows of one head; leaves du for the kernel that makes dw.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer W    { float w[]; };      // (H, D, D)
layout(binding = 2) readonly  buffer Phi  { float phi[]; };    // (R, H 2D), of t2r (R, H D)
layout(binding = 3) readonly  buffer DPhi { float dphi[]; };   // the same
layout(binding = 4)           buffer DX   { float dx[]; };     // (R, ld) += in the columns of the heads
layout(binding = 5) writeonly buffer DU   { float du[]; };     // (R, H D)
layout(constant_id = SPEC_FEATURE_MAP_DIM) const uint D = 32u;
layout(constant_id = SPEC_FEATURE_MAP_OWN) const uint OWN = 1u;
layout(constant_id = SPEC_FEATURE_MAP_KIND) const uint KIND = FEATURE_MAP_HEDGEHOG;
PUSH_ARGS(feature_map_args);
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)

void rows_gradient(uint first, uint h)
{
    float g[OWN * D];
    FOR(r, OWN) {
        uint rh = min(first + r, Tok.n - 1u) * a.heads + h, at = rh * (KIND == FEATURE_MAP_T2R ? 1u : 2u) * D;
        if (KIND == FEATURE_MAP_T2R) {
            FOR(f, D)
                g[r * D + f] = phi[at + f] > FEATURE_MAP_EPS ? dphi[at + f] : 0.0;
        } else {
            float p[D], m[D], dot_p = 0.0, dot_m = 0.0;
            FOR(f, D) {
                p[f] = phi[at + f];
                m[f] = phi[at + D + f];
                float s = p[f] * dphi[at + f], t = m[f] * dphi[at + D + f];
                dot_p += s;
                dot_m += t;
                g[r * D + f] = s - t;
            }
            if (KIND == FEATURE_MAP_EXP) {     // p and m are 1 where u is its maximum and its minimum
                float top = p[0], low = m[0];
                FOR(f, D) {
                    top = max(top, p[f]);
                    low = max(low, m[f]);
                }
                FOR(f, D) {                    // the first of each
                    bool is_top = p[f] >= top, is_low = m[f] >= low;
                    g[r * D + f] += (is_low ? dot_m : 0.0) - (is_top ? dot_p : 0.0);
                    dot_m = is_low ? 0.0 : dot_m;
                    dot_p = is_top ? 0.0 : dot_p;
                }
            } else {
                FOR(f, D)
                    g[r * D + f] += m[f] * dot_m - p[f] * dot_p;
            }
        }
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
