#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/feature_map.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// phi(x) = elu(x) + 1, element by element.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer X   { float x[]; };       // (R, ld)
layout(binding = 2) writeonly buffer Phi { float phi[]; };     // (R, H D)
layout(constant_id = SPEC_FEATURE_MAP_DIM) const uint D = 32u;
PUSH_ARGS(feature_map_args);

void main()
{
    uint C = a.heads * D, total = Tok.n * C;
    for (uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; e < total; e += gl_NumWorkGroups.x * WG) {
        float v = x[(e / C) * a.ld + a.col0 + e % C];
        phi[e] = v > 0.0 ? v + 1.0 : exp(v);
    }
}
