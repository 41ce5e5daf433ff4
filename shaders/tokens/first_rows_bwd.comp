#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/first_rows.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// LANES invocations an image; every image has a first row of its own, so nothing collides.
layout(binding = 0) readonly buffer DY { float dy[]; };         // (B, C)
layout(binding = 1)          buffer DX { float dx[]; };         // (R, C) +=
ROWS(2, Tok);
ROWS(3, Img);
PUSH_ARGS(first_rows_args);

void main()
{
    uint n = min(Img.n, Tok.images);
    for (uint tile = gl_WorkGroupID.x; tile * GROUP_ROWS < n; tile += gl_NumWorkGroups.x) {
        uint image = tile * GROUP_ROWS + GROUP_ROW;
        if (image >= n)
            continue;
        uint row = ROWS_OFFSET(Tok, image) + a.index;
        bool some = row < ROWS_OFFSET(Tok, image + 1u);
        for (uint j = LANE; some && j < COLS; j += LANES)
            dx[row * COLS + j] += dy[image * COLS + j];
    }
}
