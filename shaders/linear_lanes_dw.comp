#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "linear.h"
#include "inc/kernel.glsl"
#include "inc/rows.glsl"
// As inc/tile_dw.glsl, four columns at a time.
layout(binding = 0) uniform samplerBuffer dpre;                  // (R, N)
layout(binding = 1) uniform samplerBuffer x;                     // (R, K)
layout(binding = 2) writeonly buffer Part { vec4 part[]; };    // (splits, N, K)
ROWS(3, Tok);
PUSH_ARGS(linear_args);

#define TILE_M a.out_cols
#define TILE_N a.in_cols

uvec2 tile_span()
{
    uint rows = a.rows != 0u ? a.rows : Tok.n, chunk = (rows + a.splits - 1u) / a.splits;
    uint k0 = min(gl_WorkGroupID.z * chunk, rows);
    return uvec2(k0, min(k0 + chunk, rows));
}

mat4 tile_a4(uint m, uint k, uint end)
{
    mat4 v;
    for (uint i = 0u; i < 4u; i++) {
        vec4 row = texelFetch(dpre, int((min(k + i, end - 1u) * a.out_cols + min(m, a.out_cols - 4u)) / 4u));
        v[i] = k + i < end ? row : vec4(0.0);
    }
    return v;
}

mat4 tile_b4(uint k, uint n, uint end)
{
    mat4 v;
    for (uint i = 0u; i < 4u; i++) {
        vec4 row = texelFetch(x, int((min(k + i, end - 1u) * a.in_cols + min(n, a.in_cols - 4u)) / 4u));
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
    part[((gl_WorkGroupID.z * a.out_cols + m) * a.in_cols + n) / 4u] = v;
}

#include "inc/tile_lanes.glsl"
