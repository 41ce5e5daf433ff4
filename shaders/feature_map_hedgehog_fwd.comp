#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "feature_map.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
// One invocation a row and head.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer X   { float x[]; };       // (R, ld)
layout(binding = 2) readonly  buffer W   { float w[]; };       // (H, D, D)
layout(binding = 3) writeonly buffer Phi { float phi[]; };     // (R, H 2D)
layout(constant_id = SPEC_FEATURE_MAP_DIM) const uint D = 32u;
PUSH_ARGS(feature_map_args);
#define STEP 4u

void row_features(uint row, uint h)
{
    float u[D];
    [[unroll]] for (uint f = 0u; f < D; f++)
        u[f] = 0.0;
    for (uint d = 0u; d < D; d += STEP) {
        float y[STEP];
        uint at[STEP];
        [[unroll]] for (uint k = 0u; k < STEP; k++) {
            uint e = min(d + k, D - 1u);
            float v = x[row * a.ld + a.col0 + h * D + e];
            y[k] = d + k < D ? v : 0.0;
            at[k] = (h * D + e) * D;
        }
        [[unroll]] for (uint f = 0u; f < D; f++) {
            float s = u[f];
            [[unroll]] for (uint k = 0u; k < STEP; k++)
                s += y[k] * w[at[k] + f];
            u[f] = s;
        }
    }
    float top = u[0], low = u[0], p = 0.0, m = 0.0;
    [[unroll]] for (uint f = 1u; f < D; f++) {
        top = max(top, u[f]);
        low = min(low, u[f]);
    }
    [[unroll]] for (uint f = 0u; f < D; f++) {
        p += exp(u[f] - top);
        m += exp(low - u[f]);
    }
    p = 1.0 / p;
    m = 1.0 / m;
    uint out0 = (row * a.heads + h) * 2u * D;
    [[unroll]] for (uint f = 0u; f < D; f++) {
        phi[out0 + f] = exp(u[f] - top) * p;
        phi[out0 + D + f] = exp(low - u[f]) * m;
    }
}

void main()
{
    for (uint row = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; row < Tok.n; row += gl_NumWorkGroups.x * WG)
        row_features(row, gl_WorkGroupID.y);
}
