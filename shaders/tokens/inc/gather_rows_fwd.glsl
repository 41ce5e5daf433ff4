// gather_rows_fwd.glsl — forward: LANES invocations a row. A source that x has no room for gives zeros.
#include "shaders/tokens/gather_rows.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
#include "shaders/inc/quads.glsl"
READ(0, x);                                                     // (R of x, C)
layout(binding = 1) readonly  buffer Src { uint src[]; };       // (R)
layout(binding = 2) writeonly buffer Y   { T y[]; };            // (R, C)
ROWS(3, Tok);
PUSH_ARGS(gather_rows_args);

void gather(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW, from = src[min(row, n - 1u)];
    bool is_row = from < a.rows;
    uint xs = is_row ? from * COLS : 0u;
    for (uint j = LANE; j < COLS; j += LANES) {
        T v = LOAD(x, xs + j);
        if (row < n)
            y[row * COLS + j] = is_row ? v : T(0.0);
    }
}

void main()
{
    FOR_TILES(Tok.n, gather);
}
