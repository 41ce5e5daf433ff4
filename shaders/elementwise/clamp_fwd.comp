#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/clamp.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Values cut to a range around zero, element by element.

layout(binding = 0) readonly  buffer X { float x[]; };  // (R, C)
layout(binding = 1) writeonly buffer Y { float y[]; };  // (R, C)
ROWS(2, Tok);
PUSH_ARGS(clamp_args);

void main()
{
    uint rows = a.rows != 0u ? a.rows : Tok.n, step = a.tile_rows * a.cols, len = rows * a.cols;
    for (uint i0 = gl_WorkGroupID.x * step; i0 < len; i0 += gl_NumWorkGroups.x * step)
        for (uint i = i0 + gl_LocalInvocationID.x; i < min(i0 + step, len); i += WG)
            y[i] = abs(x[i]) > a.most ? sign(x[i]) * a.most : x[i];    // a NaN stays one
}
