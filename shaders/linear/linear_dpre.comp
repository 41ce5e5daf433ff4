#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear/linear.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/storage.glsl"
#include "shaders/inc/act.glsl"
// Gradient before the activation.
// storage: f32 f16
layout(binding = 0) readonly  buffer Pre  { ELEMENT pre[]; };  // (R, N)
layout(binding = 1) readonly  buffer DY   { float dy[]; };     // (R, N)
layout(binding = 2) writeonly buffer DPre { float dpre[]; };   // (R, N)
ROWS(3, Tok);
PUSH_ARGS(linear_rows_args);
layout(constant_id = SPEC_LINEAR_ACT) const uint ACT = LINEAR_ACT_GELU;

void main()
{
    uint rows = a.rows != 0u ? a.rows : Tok.n, step = a.tile_rows * a.cols, len = rows * a.cols;
    for (uint i0 = gl_WorkGroupID.x * step; i0 < len; i0 += gl_NumWorkGroups.x * step)
        for (uint i = i0 + gl_LocalInvocationID.x; i < min(i0 + step, len); i += WG)
            dpre[i] = dy[i] * act_slope(ACT, LOAD_ELEMENT(pre, i));
}
