#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/rms_norm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#define QUADS
#include "shaders/inc/quads.glsl"
#include "shaders/inc/reduce_rows.glsl"
// As rms_norm_bwd_x.comp, four columns at a time: one invocation a row, which it reads twice. COLS counts vec4.
READ(0, x);                                                     // (R, ld)
READ(1, w);                                                     // (D)
layout(binding = 2) readonly  buffer Rstd { float rstd[]; };    // (R, G)
READ(3, dy);                                                    // (R, ld)
READ(4, before);                                                // (R, ld): what dx holds; each element is read, then
layout(binding = 5) writeonly buffer DX   { vec4 dx[]; };       // (R, ld) += written, by one invocation
ROWS(6, Tok);
PUSH_ARGS(rms_norm_args);
#include "shaders/norm/inc/rms_norm.glsl"
#include "shaders/norm/inc/row_parts.glsl"

void add_rows(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW, from = min(row, n - 1u), base = BASE(from);
    float r = rstd[from * a.groups + GROUP];
    vec4 sum = vec4(0.0);
    FOR_QUADS(q)
        sum = add_columns(sum, LOAD(dy, base + q) * FACTOR(q) * (LOAD(x, base + q) * r));
    float t = add_parts(sum) / float(4u * COLS);
    FOR_QUADS(q) {
        vec4 g = LOAD(dy, base + q) * FACTOR(q), h = LOAD(x, base + q) * r;
        vec4 v = LOAD(before, base + q) + r * (g - h * t);
        if (row < n)
            dx[base + q] = v;
    }
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    FOR_TILES(n, add_rows);
}
