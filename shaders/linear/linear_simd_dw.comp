#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "shaders/linear/linear.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// As inc/tile_dw.glsl, four columns at a time.
layout(binding = 0) uniform samplerBuffer dpre;                  // (R, G N)
layout(binding = 1) uniform samplerBuffer x;                     // (R, G K)
layout(binding = 2) writeonly buffer Part { vec4 part[]; };    // (splits, G, N, K)
ROWS(3, Tok);
PUSH_ARGS(linear_args);
#include "shaders/linear/inc/tile_groups.glsl"
#include "shaders/inc/texels.glsl"
layout(constant_id = SPEC_TILE_ODD) const uint ODD = 0u;

#define TILE_M a.out_cols
#define TILE_N a.in_cols

uvec2 tile_span()
{
    return split_rows(a.rows != 0u ? a.rows : Tok.n);
}

mat4 tile_a4(uint m, uint k, uint end)
{
    mat4 v;
    for (uint i = 0u; i < 4u; i++) {
        vec4 row;
        if (ODD == 0u)
            row = texelFetch(dpre, int(Y_AT(min(k + i, end - 1u), min(m, a.out_cols - 4u)) / 4u));
        else
            row = fetch_at(dpre, Y_AT(min(k + i, end - 1u), min(m, a.out_cols - 1u)), LAST_TEXEL(end));
        v[i] = k + i < end ? row : vec4(0.0);
    }
    return v;
}

mat4 tile_b4(uint k, uint n, uint end)
{
    mat4 v;
    for (uint i = 0u; i < 4u; i++) {
        vec4 row = texelFetch(x, int(X_AT(min(k + i, end - 1u), min(n, a.in_cols - 4u)) / 4u));
        v[i] = k + i < end ? row : vec4(0.0);
    }
    return v;
}

vec4 tile_start4(uint n)
{
    return vec4(0.0);
}

void tile_store4(uint m, uint n, vec4 v)
{
    part[PART_AT(m, n) / 4u] = v;
}

#include "shaders/linear/inc/tile_simd.glsl"
