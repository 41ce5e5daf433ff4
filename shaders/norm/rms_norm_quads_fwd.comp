#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/rms_norm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#define QUADS
#include "shaders/inc/quads.glsl"
#include "shaders/inc/reduce_rows.glsl"
// As rms_norm_fwd.comp, four columns at a time: one invocation a row, which it reads twice. COLS counts vec4.
READ(0, x);                                                     // (R, ld)
READ(1, w);                                                     // (D)
layout(binding = 2) writeonly buffer Y    { vec4 y[]; };        // (R, ld)
layout(binding = 3) writeonly buffer Rstd { float rstd[]; };    // (R, G)
ROWS(4, Tok);
PUSH_ARGS(rms_norm_args);
#include "shaders/norm/inc/rms_norm.glsl"
#include "shaders/norm/inc/row_parts.glsl"

void norm_rows(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW, base = BASE(min(row, n - 1u));
    vec4 s = vec4(0.0);
    FOR_QUADS(q) {
        vec4 v = LOAD(x, base + q);
        s = add_columns(s, v * v);
    }
    float r = inversesqrt(add_parts(s) / float(4u * COLS) + a.eps);
    FOR_QUADS(q) {
        vec4 v = LOAD(x, base + q) * r * FACTOR(q);
        if (row < n)
            y[base + q] = v;
    }
    if (row < n)
        rstd[row * a.groups + GROUP] = r;
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    FOR_TILES(n, norm_rows);
}
