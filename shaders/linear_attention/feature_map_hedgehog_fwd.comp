#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "shaders/linear_attention/feature_map.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// One invocation a few rows of one head: several on software devices, which pay for every load instruction.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer X   { float x[]; };       // (R, ld)
layout(binding = 2) readonly  buffer W   { float w[]; };       // (H, D, D)
layout(binding = 3) writeonly buffer Phi { float phi[]; };     // (R, H 2D), of t2r (R, H D)
layout(binding = 4) readonly  buffer B   { float b[]; };       // (H, D), of t2r
layout(constant_id = SPEC_FEATURE_MAP_DIM) const uint D = 32u;
layout(constant_id = SPEC_FEATURE_MAP_OWN) const uint OWN = 1u;
layout(constant_id = SPEC_FEATURE_MAP_KIND) const uint KIND = FEATURE_MAP_HEDGEHOG;
PUSH_ARGS(feature_map_args);
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)

void rows_features(uint first, uint h)
{
    float u[OWN * D];
    FOR(e, OWN * D)
        u[e] = 0.0;
    for (uint d = 0u; d < D; d++) {
        float y[OWN];
        FOR(r, OWN)
            y[r] = x[min(first + r, Tok.n - 1u) * a.ld + a.col0 + h * D + d];
        FOR(f, D) {
            float v = w[(h * D + d) * D + f];
            FOR(r, OWN)
                u[r * D + f] += y[r] * v;
        }
    }
    if (KIND == FEATURE_MAP_T2R) {
        FOR(r, OWN)
            if (first + r < Tok.n)
                FOR(f, D)
                    phi[((first + r) * a.heads + h) * D + f] = max(u[r * D + f] + b[h * D + f], FEATURE_MAP_EPS);
        return;
    }
    FOR(r, OWN)
        if (first + r < Tok.n) {
            float top = u[r * D], low = top, p = 0.0, m = 0.0;
            FOR(f, D) {
                top = max(top, u[r * D + f]);
                low = min(low, u[r * D + f]);
            }
            FOR(f, D) {
                p += exp(u[r * D + f] - top);
                m += exp(low - u[r * D + f]);
            }
            p = KIND == FEATURE_MAP_EXP ? 1.0 : 1.0 / p;
            m = KIND == FEATURE_MAP_EXP ? 1.0 : 1.0 / m;
            uint at = ((first + r) * a.heads + h) * 2u * D;
            FOR(f, D) {
                phi[at + f] = exp(u[r * D + f] - top) * p;
                phi[at + D + f] = exp(low - u[r * D + f]) * m;
            }
        }
}

void main()
{
    uint each = (Tok.n + OWN - 1u) / OWN;
    for (uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; e < each * a.heads; e += gl_NumWorkGroups.x * WG)
        rows_features(e % each * OWN, e / each);
}
