#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/first_rows.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// LANES invocations an image; an image without that row gives zeros.
layout(binding = 0) readonly  buffer X { float x[]; };          // (R, C)
layout(binding = 1) writeonly buffer Y { float y[]; };          // (B, C)
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
        for (uint j = LANE; j < COLS; j += LANES)
            y[image * COLS + j] = some ? x[row * COLS + j] : 0.0;
    }
}
