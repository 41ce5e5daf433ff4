#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/rms_norm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/reduce_rows.glsl"
// LANES invocations a row of a group.
READ(0, x);                                                     // (R, ld)
READ(1, w);                                                     // (D)
layout(binding = 2) writeonly buffer Y    { float y[]; };       // (R, ld)
layout(binding = 3) writeonly buffer Rstd { float rstd[]; };    // (R, G)
ROWS(4, Tok);
PUSH_ARGS(rms_norm_args);
#include "shaders/norm/inc/rms_norm.glsl"

void norm_rows(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW, base = BASE(min(row, n - 1u));
    float v[EACH], s = 0.0;
    FOR_EACH(e) {
        v[e] = x[base + COL(e)];
        s += HAS_COL(e) ? v[e] * v[e] : 0.0;
    }
    float r = inversesqrt(row_sum(s) / float(COLS) + a.eps);
    FOR_EACH(e)
        v[e] = v[e] * r * FACTOR(COL(e));
    if (row < n) {
        FOR_EACH(e)
            if (HAS_COL(e))
                y[base + COL(e)] = v[e];
        if (LANE == 0u)
            rstd[row * a.groups + GROUP] = r;
    }
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    FOR_TILES(n, norm_rows);
}
