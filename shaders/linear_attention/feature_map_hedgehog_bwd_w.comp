#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "shaders/linear_attention/feature_map.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// One invocation sums a few columns of dw[h] over one part of the live rows, in order.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer X    { float x[]; };      // (R, ld)
layout(binding = 2) readonly  buffer DU   { float du[]; };     // (R, H D)
layout(binding = 3) writeonly buffer Part { float part[]; };   // (splits, H, D, D)
layout(constant_id = SPEC_FEATURE_MAP_DIM) const uint D = 32u;
layout(constant_id = SPEC_FEATURE_MAP_OWN) const uint OWN = 1u;
PUSH_ARGS(feature_map_args);
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)

void main()
{
    uint lane = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x;
    uint each = (D + OWN - 1u) / OWN, h = lane / each, f0 = lane % each * OWN;
    if (h >= a.heads)
        return;
    uint rows = (Tok.n + a.splits - 1u) / a.splits;
    uint r0 = gl_WorkGroupID.x * rows, end = min(r0 + rows, Tok.n);
    float acc[OWN * D];
    FOR(u, OWN * D)
        acc[u] = 0.0;
    for (uint row = r0; row < end; row++) {
        float g[OWN];
        FOR(u, OWN)
            g[u] = du[(row * a.heads + h) * D + min(f0 + u, D - 1u)];
        FOR(d, D) {
            float y = x[row * a.ld + a.col0 + h * D + d];
            FOR(u, OWN)
                acc[u * D + d] += g[u] * y;
        }
    }
    FOR(u, OWN)
        if (f0 + u < D)
            FOR(d, D)
                part[((gl_WorkGroupID.x * a.heads + h) * D + d) * D + f0 + u] = acc[u * D + d];
}
