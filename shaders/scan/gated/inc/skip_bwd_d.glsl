// skip_bwd_d.glsl — sums of dout x over one block of rows (x), an invocation a column (y tiles); skip_bwd_sum adds
// them up.
#include "shaders/scan/gated/skip.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/quads.glsl"
READ(0, x);                                                    // (R, ld_x)
READ(1, dout);                                                 // (R, N)
layout(binding = 2) writeonly buffer Part { T part[]; };       // (blocks, N)
ROWS(3, Tok);
PUSH_ARGS(skip_args);
#include "shaders/scan/inc/streams.glsl"

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    uint j = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x, block = gl_WorkGroupID.x, s = j / a.dim;
    if (j >= N_COLS)
        return;
    uint each = (n + a.blocks - 1u) / a.blocks, end = min(n, (block + 1u) * each);
    T sum = T(0.0);
    for (uint row = block * each; row < end; row++)
        sum += LOAD(dout, row * N_COLS + j) * LOAD(x, X_AT(row, s / a.dirs, s % a.dirs) + j % a.dim);
    part[block * N_COLS + j] = sum;
}
