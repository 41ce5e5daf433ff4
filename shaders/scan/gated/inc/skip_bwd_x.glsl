// skip_bwd_x.glsl — gradients of y and x, LANES invocations a row. Streams that share columns of x are one after the
// other in one workgroup.
#include "shaders/scan/gated/skip.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
#include "shaders/inc/quads.glsl"
READ(0, dout);                                                 // (R, N)
layout(binding = 1) readonly buffer D  { float d[]; };         // (streams)
layout(binding = 2)          buffer DY { T dy[]; };            // (R, N) +=
layout(binding = 3)          buffer DX { T dx[]; };            // (R, ld_x) += in the columns of the streams
ROWS(4, Tok);
PUSH_ARGS(skip_args);
#include "shaders/scan/inc/streams.glsl"

void add_rows(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW;
    FOR_PART(h, dir, 1u) {
        uint xs = X_AT(row, h, dir), ns = row * N_COLS + N_AT(h, dir);
        float f = d[h * a.dirs + dir];
        FOR_OWN_IF(i, row < n) {
            T g = LOAD(dout, ns + i);
            dy[ns + i] += g;
            dx[xs + i] += f * g;
        }
    }
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    FOR_TILES(n, add_rows);
}
