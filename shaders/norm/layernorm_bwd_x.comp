#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/layernorm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// dx += rstd * (g - mean(g) - h * mean(g * h))     with g = dy * gamma, h = (x - mean) * rstd
layout(binding = 0) readonly buffer X     { float x[]; };       // (R, C)
layout(binding = 1) readonly buffer Gamma { float gamma[]; };   // (C)
layout(binding = 2) readonly buffer Mean  { float mean[]; };    // (R)
layout(binding = 3) readonly buffer Rstd  { float rstd[]; };    // (R)
layout(binding = 4) readonly buffer DY    { float dy[]; };      // (R, C)
layout(binding = 5)          buffer DX    { float dx[]; };      // (R, C) +=
ROWS(6, Tok);
PUSH_ARGS(layernorm_args);
layout(constant_id = SPEC_LAYERNORM_ABSENT) const uint ABSENT = 0u;
#define GAMMA(i) ((ABSENT & LAYERNORM_NO_GAMMA) != 0u ? 1.0 : gamma[i])

void add_rows(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW, from = min(row, n - 1u), base = from * COLS;
    float m = mean[from], r = rstd[from], s = 0.0, t = 0.0, g[EACH], h[EACH];
    FOR_EACH(e) {
        g[e] = dy[base + COL(e)] * GAMMA(COL(e));
        h[e] = x[base + COL(e)] - m;
        s += HAS_COL(e) ? g[e] : 0.0;
        t += HAS_COL(e) ? g[e] * h[e] : 0.0;
    }
    s = row_sum(s) / float(COLS);
    t = row_sum(t) * r * r / float(COLS);
    FOR_EACH(e)
        g[e] = dx[base + COL(e)] + r * (g[e] - s - h[e] * t);
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
