// gated_norm_bwd_w.glsl — sums of dw over one block of rows (x), an invocation a column of the output (y tiles).
// Both orders have the same one: dw[n] = sum dout x silu(z) r.
#include "shaders/norm/gated_norm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/quads.glsl"
READ(0, x);                                                    // (R, ld_x)
READ(1, z);                                                    // (R, ld_z) or absent
layout(binding = 2) readonly  buffer Inv  { float inv[]; };    // (R, norms)
READ(3, dout);                                                 // (R, N)
layout(binding = 4) writeonly buffer Part { T part[]; };       // (blocks, N)
ROWS(5, Tok);
PUSH_ARGS(gated_norm_args);
#include "shaders/norm/inc/gated_norm.glsl"

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    uint j = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x, block = gl_WorkGroupID.x;
    if (j >= N_COLS)
        return;
    uint s = j / a.dim, h = s / a.dirs, dir = s % a.dirs, i = j % a.dim;
    uint each = (n + a.blocks - 1u) / a.blocks, end = min(n, (block + 1u) * each);
    T sum = T(0.0);
    for (uint row = block * each; row < end; row++) {
        T v = LOAD(dout, row * N_COLS + j) * LOAD(x, X_AT(row, h, dir) + i) * inv[row * NORMS + NORM_OF(h, dir)];
        if (GATE != GATED_NORM_NO_GATE)
            v *= silu(load_z(Z_AT(row, h, dir), i));
        sum += v;
    }
    part[block * N_COLS + j] = sum * a.scale;
}
