#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/l2_normalize.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// LANES invocations a row.
layout(binding = 0) readonly  buffer X { float x[]; };  // (R, C)
layout(binding = 1) writeonly buffer Y { float y[]; };  // (R, C)
layout(binding = 2) writeonly buffer R { float r[]; };  // (R) 1 / length
ROWS(3, Tok);
PUSH_ARGS(l2_normalize_args);

void run(uint tile, uint n)
{
    uint row = min(tile * GROUP_ROWS + GROUP_ROW, n - 1u);
    bool is_mine = tile * GROUP_ROWS + GROUP_ROW < n;
    float sum = 0.0;
    for (uint j = LANE; j < COLS; j += LANES)
        sum += x[row * COLS + j] * x[row * COLS + j];
    float inverse = 1.0 / max(sqrt(row_sum(sum)), UNIT_LEAST);
    for (uint j = LANE; is_mine && j < COLS; j += LANES)
        y[row * COLS + j] = inverse * x[row * COLS + j];
    if (is_mine && LANE == 0u)
        r[row] = inverse;
}

void main()
{
    uint n = a.rows != 0u ? a.rows : Tok.n;
    FOR_TILES(n, run);
}
