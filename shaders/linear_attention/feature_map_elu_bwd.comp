#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/feature_map.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// Gradient of elu(x) + 1: one where x is positive, e^x elsewhere.
ROWS(0, Tok);
layout(binding = 1) readonly buffer Phi  { float phi[]; };     // (R, H D)
layout(binding = 2) readonly buffer DPhi { float dphi[]; };    // (R, H D)
layout(binding = 3)          buffer DX   { float dx[]; };      // (R, ld) += in the columns of the heads
layout(constant_id = SPEC_FEATURE_MAP_DIM) const uint D = 32u;
PUSH_ARGS(feature_map_args);

void main()
{
    uint C = a.heads * D, total = Tok.n * C;
    for (uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; e < total; e += gl_NumWorkGroups.x * WG)
        dx[(e / C) * a.ld + a.col0 + e % C] += dphi[e] * min(phi[e], 1.0);     // exp(x) is phi where x < 0
}
