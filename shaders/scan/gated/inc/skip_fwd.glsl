// skip_fwd.glsl — forward: LANES invocations a row, one stream along y.
#include "shaders/scan/gated/skip.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
#include "shaders/inc/quads.glsl"
READ(0, y);                                                    // (R, N)
READ(1, x);                                                    // (R, ld_x)
layout(binding = 2) readonly  buffer D   { float d[]; };       // (streams)
layout(binding = 3) writeonly buffer Out { T result[]; };      // (R, N)
ROWS(4, Tok);
PUSH_ARGS(skip_args);
#include "shaders/scan/inc/streams.glsl"

void skip_rows(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW, from = min(row, n - 1u), s = gl_WorkGroupID.y;
    uint xs = X_AT(from, s / a.dirs, s % a.dirs), ns = from * N_COLS + s * a.dim;
    float f = d[s];
    FOR_OWN(i) {
        T v = LOAD(y, ns + i) + f * LOAD(x, xs + i);
        if (row < n)
            result[ns + i] = v;
    }
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    FOR_TILES(n, skip_rows);
}
