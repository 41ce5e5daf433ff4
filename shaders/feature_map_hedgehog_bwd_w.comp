#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "feature_map.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
// One invocation sums a column of dw[h] over one part of the live rows, in order.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer X    { float x[]; };      // (R, ld)
layout(binding = 2) readonly  buffer DU   { float du[]; };     // (R, H D)
layout(binding = 3) writeonly buffer Part { float part[]; };   // (splits, H, D, D)
layout(constant_id = SPEC_FEATURE_MAP_DIM) const uint D = 32u;
PUSH_ARGS(feature_map_args);
#define STEP 4u

void main()
{
    uint h = gl_WorkGroupID.y, f = gl_WorkGroupID.z * WG + gl_LocalInvocationID.x;
    if (f >= D)
        return;
    uint rows = (Tok.n + a.splits - 1u) / a.splits;
    uint r0 = gl_WorkGroupID.x * rows, end = min(r0 + rows, Tok.n);
    float acc[D];
    [[unroll]] for (uint d = 0u; d < D; d++)
        acc[d] = 0.0;
    for (uint r = r0; r < end; r += STEP) {
        float g[STEP];
        uint at[STEP];
        [[unroll]] for (uint k = 0u; k < STEP; k++) {
            uint row = min(r + k, end - 1u);
            float v = du[(row * a.heads + h) * D + f];
            g[k] = r + k < end ? v : 0.0;
            at[k] = row * a.ld + a.col0 + h * D;
        }
        [[unroll]] for (uint d = 0u; d < D; d++) {
            float s = acc[d];
            [[unroll]] for (uint k = 0u; k < STEP; k++)
                s += g[k] * x[at[k] + d];
            acc[d] = s;
        }
    }
    [[unroll]] for (uint d = 0u; d < D; d++)
        part[((gl_WorkGroupID.x * a.heads + h) * D + d) * D + f] = acc[d];
}
