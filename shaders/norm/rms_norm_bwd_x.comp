#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/rms_norm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/reduce_rows.glsl"
// dx += rstd * (g - h * mean(g * h))     with g = dy * (offset + w), h = x * rstd
READ(0, x);                                                     // (R, ld)
READ(1, w);                                                     // (D)
layout(binding = 2) readonly buffer Rstd { float rstd[]; };     // (R, G)
layout(binding = 3) readonly buffer DY   { float dy[]; };       // (R, ld)
layout(binding = 4)          buffer DX   { float dx[]; };       // (R, ld) +=
ROWS(5, Tok);
PUSH_ARGS(rms_norm_args);
#include "shaders/norm/inc/rms_norm.glsl"

void add_rows(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW, from = min(row, n - 1u), base = BASE(from);
    float r = rstd[from * a.groups + GROUP], t = 0.0, g[EACH], h[EACH];
    FOR_EACH(e) {
        g[e] = dy[base + COL(e)] * FACTOR(COL(e));
        h[e] = x[base + COL(e)] * r;
        t += HAS_COL(e) ? g[e] * h[e] : 0.0;
    }
    t = row_sum(t) / float(COLS);
    FOR_EACH(e)
        g[e] = dx[base + COL(e)] + r * (g[e] - h[e] * t);
    if (row < n)
        FOR_EACH(e)
            if (HAS_COL(e))
                dx[base + COL(e)] = g[e];
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    FOR_TILES(n, add_rows);
}
