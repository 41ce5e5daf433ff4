#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/layernorm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// As layernorm_fwd.comp, four columns at a time: one invocation a row, which it reads three times. COLS counts vec4.
layout(binding = 0) uniform samplerBuffer x;                    // (R, C)
layout(binding = 1) uniform samplerBuffer gamma;                // (C)
layout(binding = 2) uniform samplerBuffer beta;                 // (C)
layout(binding = 3) writeonly buffer Y     { vec4 y[]; };       // (R, C)
layout(binding = 4) writeonly buffer Mean  { float mean[]; };   // (R)
layout(binding = 5) writeonly buffer Rstd  { float rstd[]; };   // (R)
ROWS(6, Tok);
PUSH_ARGS(layernorm_args);
layout(constant_id = SPEC_LAYERNORM_ABSENT) const uint ABSENT = 0u;
#define GAMMA(i) ((ABSENT & LAYERNORM_NO_GAMMA) != 0u ? vec4(1.0) : texelFetch(gamma, int(i)))
#define BETA(i) ((ABSENT & LAYERNORM_NO_BETA) != 0u ? vec4(0.0) : texelFetch(beta, int(i)))
#include "shaders/norm/inc/row_parts.glsl"

void norm_rows(uint tile, uint n)
{
    const float len = float(4u * COLS);
    uint row = tile * GROUP_ROWS + GROUP_ROW, base = min(row, n - 1u) * COLS;
    vec4 s = vec4(0.0), left = vec4(0.0);
    FOR_QUADS(q)
        s = add_columns(s, texelFetch(x, int(base + q)));
    float m = add_parts(s) / len;
    s = vec4(0.0);
    FOR_QUADS(q) {
        vec4 v = texelFetch(x, int(base + q)) - m;
        left = add_columns(left, v);
        s = add_columns(s, v * v);
    }
    float rest = add_parts(left) / len, r = inversesqrt(max(add_parts(s) / len - rest * rest, 0.0) + a.eps);
    FOR_QUADS(q) {
        vec4 v = texelFetch(x, int(base + q)) - m;
        v = (v - rest) * r * GAMMA(q) + BETA(q);
        if (row < n)
            y[base + q] = v;
    }
    if (row < n) {
        mean[row] = m + rest;
        rstd[row] = r;
    }
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    FOR_TILES(n, norm_rows);
}
