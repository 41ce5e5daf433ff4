// gather_rows_bwd.glsl — gradient of x, LANES invocations a row: no two have the same source, so nothing collides.
#include "shaders/tokens/gather_rows.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
#include "shaders/inc/quads.glsl"
READ(0, dy);                                                    // (R, C)
layout(binding = 1) readonly buffer Src { uint src[]; };        // (R)
layout(binding = 2)          buffer DX  { T dx[]; };            // (R of x, C) += in the rows that are sources
ROWS(3, Tok);
PUSH_ARGS(gather_rows_args);

void scatter(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW, from = min(row, n - 1u), to = src[from];
    for (uint j = LANE; j < COLS; j += LANES) {
        T v = LOAD(dy, from * COLS + j);
        if (row < n && to < a.rows)
            dx[to * COLS + j] += v;
    }
}

void main()
{
    FOR_TILES(Tok.n, scatter);
}
