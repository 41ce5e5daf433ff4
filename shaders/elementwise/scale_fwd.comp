#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/scale.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Element by element.
layout(binding = 0) readonly  buffer X     { float x[]; };      // (R, C)
layout(binding = 1) readonly  buffer Gamma { float gamma[]; };  // (C), unless there is none
layout(binding = 2) writeonly buffer Y     { float y[]; };      // (R, C)
ROWS(3, Tok);
PUSH_ARGS(scale_args);

void main()
{
    uint rows = a.rows != 0u ? a.rows : Tok.n, step = a.tile_rows * a.cols, len = rows * a.cols;
    for (uint i0 = gl_WorkGroupID.x * step; i0 < len; i0 += gl_NumWorkGroups.x * step)
        for (uint i = i0 + gl_LocalInvocationID.x; i < min(i0 + step, len); i += WG)
            y[i] = a.factor * (a.has_gamma != 0u ? gamma[i % a.cols] : 1.0) * x[i];
}
