#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/add.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// The gradient passes through.
layout(binding = 0) readonly buffer DY { float dy[]; };         // (R, C)
layout(binding = 1)          buffer DX { float dx[]; };         // (R, C) +=
ROWS(2, Tok);
PUSH_ARGS(add_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    for (uint tile = gl_WorkGroupID.x; tile * ADD_TILE < n; tile += gl_NumWorkGroups.x) {
        uint end = min(n, (tile + 1u) * ADD_TILE) * a.cols;
        for (uint i = tile * ADD_TILE * a.cols + gl_LocalInvocationID.x; i < end; i += WG)
            dx[i] += dy[i];
    }
}
