#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/pool.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// A workgroup an image and, along y, a share of its rows; LANES invocations a row.
layout(binding = 0) readonly buffer DY { float dy[]; };         // (B, C) or (B, 2 C)
layout(binding = 1)          buffer DX { float dx[]; };         // (R, C) +=
ROWS(2, Tok);
ROWS(3, Img);
PUSH_ARGS(pool_args);
#include "shaders/tokens/inc/pool.glsl"

void main()
{
    uint n = min(Img.n, Tok.images), step = gl_NumWorkGroups.y * GROUP_ROWS;
    for (uint image = gl_WorkGroupID.x; image < n; image += gl_NumWorkGroups.x) {
        uint start = ROWS_OFFSET(Tok, image), end = ROWS_OFFSET(Tok, image + 1u), first = pool_first(image);
        uint at = image * (1u + a.token) * COLS;
        float share = 1.0 / float(max(end - first, 1u));
        for (uint row = start + gl_WorkGroupID.y * GROUP_ROWS + GROUP_ROW; row < end; row += step)
            for (uint j = LANE; j < COLS; j += LANES) {
                float g = row >= first ? share * dy[at + a.token * COLS + j] : 0.0;
                if (a.token != 0u && row == start)
                    g += dy[at + j];
                dx[row * COLS + j] += g;
            }
    }
}
