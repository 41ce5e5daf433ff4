#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/swiglu.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#define T float
#include "shaders/inc/silu.glsl"
// Element by element of y.
layout(binding = 0) readonly  buffer X { float x[]; };  // (R, 2 H)
layout(binding = 1) writeonly buffer Y { float y[]; };  // (R, H)
ROWS(2, Tok);
PUSH_ARGS(swiglu_args);

void main()
{
    uint rows = a.rows != 0u ? a.rows : Tok.n, step = a.tile_rows * a.cols, len = rows * a.cols;
    for (uint i0 = gl_WorkGroupID.x * step; i0 < len; i0 += gl_NumWorkGroups.x * step)
        for (uint i = i0 + gl_LocalInvocationID.x; i < min(i0 + step, len); i += WG) {
            uint at = i + i / a.cols * a.cols;
            y[i] = silu(x[at]) * x[at + a.cols];
        }
}
