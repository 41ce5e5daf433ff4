#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/layernorm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// As layernorm_bwd_x.comp, four columns at a time: one invocation a row, which it reads twice. COLS counts vec4.
layout(binding = 0) uniform samplerBuffer x;                    // (R, C)
layout(binding = 1) uniform samplerBuffer gamma;                // (C)
layout(binding = 2) readonly  buffer Mean { float mean[]; };    // (R)
layout(binding = 3) readonly  buffer Rstd { float rstd[]; };    // (R)
layout(binding = 4) uniform samplerBuffer dy;                   // (R, C)
layout(binding = 5) uniform samplerBuffer before;               // (R, C): what dx holds; each element is read, then
layout(binding = 6) writeonly buffer DX   { vec4 dx[]; };       // (R, C) += written, by one invocation
ROWS(7, Tok);
PUSH_ARGS(layernorm_args);
layout(constant_id = SPEC_LAYERNORM_ABSENT) const uint ABSENT = 0u;
#define GAMMA(i) ((ABSENT & LAYERNORM_NO_GAMMA) != 0u ? vec4(1.0) : texelFetch(gamma, int(i)))
#include "shaders/norm/inc/row_parts.glsl"

void add_rows(uint tile, uint n)
{
    const float len = float(4u * COLS);
    uint row = tile * GROUP_ROWS + GROUP_ROW, from = min(row, n - 1u), base = from * COLS;
    float m = mean[from], r = rstd[from];
    vec4 sum_g = vec4(0.0), sum_gh = vec4(0.0);
    FOR_QUADS(q) {
        vec4 g = texelFetch(dy, int(base + q)) * GAMMA(q), h = texelFetch(x, int(base + q)) - m;
        sum_g = add_columns(sum_g, g);
        sum_gh = add_columns(sum_gh, g * h);
    }
    float s = add_parts(sum_g) / len, t = add_parts(sum_gh) * r * r / len;
    FOR_QUADS(q) {
        vec4 g = texelFetch(dy, int(base + q)) * GAMMA(q), h = texelFetch(x, int(base + q)) - m;
        vec4 v = texelFetch(before, int(base + q)) + r * (g - s - h * t);
        if (row < n)
            dx[base + q] = v;
    }
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    FOR_TILES(n, add_rows);
}
