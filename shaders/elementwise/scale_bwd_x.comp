#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/scale.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// dx += factor gamma dy, element by element.
layout(binding = 0) readonly buffer Gamma { float gamma[]; };   // (C), unless there is none
layout(binding = 1) readonly buffer DY    { float dy[]; };      // (R, C)
layout(binding = 2)          buffer DX    { float dx[]; };      // (R, C) +=
ROWS(3, Tok);
PUSH_ARGS(scale_args);

void main()
{
    uint rows = a.rows != 0u ? a.rows : Tok.n, step = a.tile_rows * a.cols, len = rows * a.cols;
    for (uint i0 = gl_WorkGroupID.x * step; i0 < len; i0 += gl_NumWorkGroups.x * step)
        for (uint i = i0 + gl_LocalInvocationID.x; i < min(i0 + step, len); i += WG)
            dx[i] += a.factor * (a.has_gamma != 0u ? gamma[i % a.cols] : 1.0) * dy[i];
}
