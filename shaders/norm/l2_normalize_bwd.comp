#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/l2_normalize.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// dx += (dy - y <y, dy>) / |x|. LANES invocations a row.
layout(binding = 0) readonly buffer Y  { float y[]; };  // (R, C)
layout(binding = 1) readonly buffer R  { float r[]; };  // (R) 1 / length
layout(binding = 2) readonly buffer DY { float dy[]; }; // (R, C)
layout(binding = 3)          buffer DX { float dx[]; }; // (R, C) +=
ROWS(4, Tok);
PUSH_ARGS(l2_normalize_args);

void run(uint tile, uint n)
{
    uint row = min(tile * GROUP_ROWS + GROUP_ROW, n - 1u);
    bool is_mine = tile * GROUP_ROWS + GROUP_ROW < n;
    float along = 0.0;
    for (uint j = LANE; j < COLS; j += LANES)
        along += y[row * COLS + j] * dy[row * COLS + j];
    along = row_sum(along);
    for (uint j = LANE; is_mine && j < COLS; j += LANES)
        dx[row * COLS + j] += r[row] * (dy[row * COLS + j] - along * y[row * COLS + j]);
}

void main()
{
    uint n = a.rows != 0u ? a.rows : Tok.n;
    FOR_TILES(n, run);
}
