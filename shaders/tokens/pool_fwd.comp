#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/pool.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// A workgroup an image and, along y, WG columns; an invocation adds up its column, row after row.
layout(binding = 0) readonly  buffer X { float x[]; };  // (R, C)
layout(binding = 1) writeonly buffer Y { float y[]; };  // (B, C) or (B, 2 C)
ROWS(2, Tok);
ROWS(3, Img);
PUSH_ARGS(pool_args);
#include "shaders/tokens/inc/pool.glsl"

void main()
{
    uint n = min(Img.n, Tok.images), j = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x;
    if (j >= a.cols)
        return;
    for (uint image = gl_WorkGroupID.x; image < n; image += gl_NumWorkGroups.x) {
        uint start = ROWS_OFFSET(Tok, image), end = ROWS_OFFSET(Tok, image + 1u), first = pool_first(image);
        uint at = image * (1u + a.token) * a.cols + j;
        float sum = 0.0;
        for (uint row = first; row < end; row++)
            sum += x[row * a.cols + j];
        if (a.token != 0u)
            y[at] = start < end ? x[start * a.cols + j] : 0.0;
        y[at + a.token * a.cols] = sum / float(max(end - first, 1u));
    }
}
