#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "linear_attention.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
// One invocation a key reads the state's gradient of its image and head.
ROWS(0, Tok);
layout(binding = 1) readonly buffer PhiK  { float phi[]; };    // (R, H F)
layout(binding = 2) readonly buffer V     { float v[]; };      // (R, ld_v)
layout(binding = 3) readonly buffer DS    { float dstate[]; }; // (images H, F, D + 1)
layout(binding = 4)          buffer DPhiK { float dphi[]; };   // (R, H F) +=
layout(binding = 5)          buffer DV    { float dv[]; };     // (R, ld_v) += in the columns of the heads
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
    uint p0 = (row * a.heads + h) * a.features, z0 = (b * a.heads + h) * a.features * (D + 1u);
    uint v0 = row * a.ld_v + a.col_v + h * D;
    float x[D], acc[D];
    [[unroll]] for (uint c = 0u; c < D; c++) {
        x[c] = v[v0 + c];
        acc[c] = 0.0;
    }
    for (uint f = 0u; f < a.features; f++) {
        uint at = z0 + f * (D + 1u);
        float p = phi[p0 + f], t = dstate[at + D];
        [[unroll]] for (uint c = 0u; c < D; c++) {
            float z = dstate[at + c];
            t += z * x[c];
            acc[c] += z * p;
        }
        dphi[p0 + f] += t;
    }
    [[unroll]] for (uint c = 0u; c < D; c++)
        dv[v0 + c] += acc[c];
}
