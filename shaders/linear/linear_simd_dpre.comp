#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear/linear.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/act.glsl"
// As linear_dpre, four columns at a time; cols is a multiple of 4.
layout(binding = 0) uniform samplerBuffer pre;                 // (R, N)
layout(binding = 1) uniform samplerBuffer dy;                  // (R, N)
layout(binding = 2) writeonly buffer DPre { vec4 dpre[]; };    // (R, N)
ROWS(3, Tok);
PUSH_ARGS(linear_rows_args);
layout(constant_id = SPEC_LINEAR_ACT) const uint ACT = LINEAR_ACT_GELU;

void main()
{
    uint rows = a.rows != 0u ? a.rows : Tok.n, step = a.tile_rows * a.cols / 4u, len = rows * a.cols / 4u;
    for (uint i0 = gl_WorkGroupID.x * step; i0 < len; i0 += gl_NumWorkGroups.x * step)
        for (uint i = i0 + gl_LocalInvocationID.x; i < min(i0 + step, len); i += WG) {
            vec4 x = texelFetch(pre, int(i));
            dpre[i] = texelFetch(dy, int(i)) * act_slope(ACT, x);
        }
}
