#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "shaders/loss/vocab/vocab_loss.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// As inc/vocab_dx.glsl, four columns at a time: slopes are 0 from column a.n on to the next multiple of 4.
layout(binding = 0) uniform samplerBuffer chunk;                    // (R, ld)
layout(binding = 1) uniform samplerBuffer table;                    // (V, C)
layout(binding = 2) buffer DX { vec4 dx[]; };                       // (R, C) +=
ROWS(3, Tok);
PUSH_ARGS(vocab_loss_args);

#define TILE_M (a.rows != 0u ? a.rows : Tok.n)
#define TILE_N a.cols

uvec2 tile_span()
{
    return uvec2(0u, a.n);
}

mat4 tile_a4(uint m, uint k, uint end)
{
    uint M = TILE_M;
    mat4 v;
    for (uint j = 0u; j < 4u; j++)
        v[j] = texelFetch(chunk, int((min(m + j, M - 1u) * a.ld + k) / 4u));
    return transpose(v);
}

mat4 tile_b4(uint k, uint n, uint end)
{
    mat4 v;
    for (uint i = 0u; i < 4u; i++)
        v[i] = texelFetch(table, int(((a.first + min(k + i, end - 1u)) * a.cols + min(n, a.cols - 4u)) / 4u));
    return v;
}

vec4 tile_start4(uint n)
{
    return vec4(0.0);
}

void tile_store4(uint m, uint n, vec4 v)
{
    dx[(m * a.cols + n) / 4u] += v;
}

#include "shaders/linear/inc/tile_simd.glsl"
