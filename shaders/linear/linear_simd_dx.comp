#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "shaders/linear/linear.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// As inc/tile_dx.glsl, four columns at a time.
layout(binding = 0) uniform samplerBuffer dpre;                  // (R, G N)
layout(binding = 1) uniform samplerBuffer w;                     // (G, N, K)
layout(binding = 2)          buffer DX   { vec4 dx[]; };       // (R, G K) +=
ROWS(3, Tok);
PUSH_ARGS(linear_args);
#include "shaders/linear/inc/tile_groups.glsl"
#include "shaders/inc/texels.glsl"
layout(constant_id = SPEC_TILE_ODD) const uint ODD = 0u;

#define TILE_M (a.rows != 0u ? a.rows : Tok.n)
#define TILE_N a.in_cols

uvec2 tile_span()
{
    return uvec2(0u, a.out_cols);
}

mat4 tile_a4(uint m, uint k, uint end)
{
    uint M = TILE_M;
    mat4 v;
    for (uint j = 0u; j < 4u; j++) {
        uint at = Y_AT(min(m + j, M - 1u), k);
        if (ODD == 0u)
            v[j] = texelFetch(dpre, int(at / 4u));
        else
            v[j] = mix(vec4(0.0), fetch_at(dpre, at, LAST_TEXEL(M)), lessThan(k + uvec4(0u, 1u, 2u, 3u), uvec4(end)));
    }
    return transpose(v);
}

mat4 tile_b4(uint k, uint n, uint end)
{
    mat4 v;
    for (uint i = 0u; i < 4u; i++)
        v[i] = texelFetch(w, int(W_AT(min(k + i, end - 1u), min(n, a.in_cols - 4u)) / 4u));
    return v;
}

vec4 tile_start4(uint n)
{
    return vec4(0.0);
}

void tile_store4(uint m, uint n, vec4 v)
{
    dx[X_AT(m, n) / 4u] += v;
}

#include "shaders/linear/inc/tile_simd.glsl"
