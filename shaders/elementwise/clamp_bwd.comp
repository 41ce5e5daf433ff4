#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/clamp.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Gradient of clamp: none where it cut.

layout(binding = 0) readonly buffer X  { float x[]; };   // (R, C)
layout(binding = 1) readonly buffer DY { float dy[]; };  // (R, C)
layout(binding = 2)          buffer DX { float dx[]; };  // (R, C) +=
ROWS(3, Tok);
PUSH_ARGS(clamp_args);

void main()
{
    uint rows = a.rows != 0u ? a.rows : Tok.n, step = a.tile_rows * a.cols, len = rows * a.cols;
    for (uint i0 = gl_WorkGroupID.x * step; i0 < len; i0 += gl_NumWorkGroups.x * step)
        for (uint i = i0 + gl_LocalInvocationID.x; i < min(i0 + step, len); i += WG)
            if (!(abs(x[i]) > a.most))
                dx[i] += dy[i];
}
