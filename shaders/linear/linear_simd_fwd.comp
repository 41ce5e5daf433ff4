#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "shaders/linear/linear.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/act.glsl"
// As inc/tile_fwd.glsl, four columns at a time.
layout(binding = 0) uniform samplerBuffer x;                     // (R, G K)
layout(binding = 1) uniform samplerBuffer w;                     // (G, N, K)
layout(binding = 2) readonly  buffer Bias { vec4 bias[]; };    // (G N)
layout(binding = 3) writeonly buffer Y    { vec4 y[]; };       // (R, G N)
layout(binding = 4) writeonly buffer Pre  { vec4 pre[]; };     // (R, G N), where a backward pass follows
// The same, for when N is no multiple of 4.
layout(binding = 2) readonly  buffer OddBias { float odd_bias[]; };
layout(binding = 3) writeonly buffer OddY   { float odd_y[]; };
layout(binding = 4) writeonly buffer OddPre { float odd_pre[]; };
ROWS(5, Tok);
PUSH_ARGS(linear_args);
#include "shaders/linear/inc/tile_groups.glsl"
layout(constant_id = SPEC_TILE_ODD) const uint ODD = 0u;
layout(constant_id = SPEC_LINEAR_BIAS) const uint HAS_BIAS = 0u;
layout(constant_id = SPEC_LINEAR_PRE) const uint KEEPS_PRE = 0u;
layout(constant_id = SPEC_LINEAR_ACT) const uint ACT = LINEAR_ACT_NONE;

#define TILE_M (a.rows != 0u ? a.rows : Tok.n)
#define TILE_N a.out_cols

uvec2 tile_span()
{
    return uvec2(0u, a.in_cols);
}

mat4 tile_a4(uint m, uint k, uint end)
{
    uint M = TILE_M;
    mat4 v;
    for (uint j = 0u; j < 4u; j++)
        v[j] = texelFetch(x, int(X_AT(min(m + j, M - 1u), k) / 4u));
    return transpose(v);
}

mat4 tile_b4(uint k, uint n, uint end)
{
    mat4 v;
    for (uint j = 0u; j < 4u; j++)
        v[j] = texelFetch(w, int(W_AT(min(n + j, a.out_cols - 1u), k) / 4u));
    return transpose(v);
}

vec4 tile_start4(uint n)
{
    vec4 v = vec4(0.0);
    if (HAS_BIAS != 0u && ODD == 0u)
        v = bias[(GROUP * a.out_cols + min(n, a.out_cols - 4u)) / 4u];
    else if (HAS_BIAS != 0u)
        for (uint c = 0u; c < 4u; c++)
            v[c] = odd_bias[GROUP * a.out_cols + min(n + c, a.out_cols - 1u)];
    return v;
}

void store_odd(uint m, uint n, vec4 v)
{
    uint i = Y_AT(m, n);
    for (uint c = 0u; c < 4u; c++)
        if (n + c < a.out_cols) {
            if (KEEPS_PRE != 0u)
                odd_pre[i + c] = v[c];
            odd_y[i + c] = ACT != LINEAR_ACT_NONE ? act(ACT, v[c]) : v[c];
        }
}

void store_whole(uint m, uint n, vec4 v)
{
    uint i = Y_AT(m, n) / 4u;
    if (KEEPS_PRE != 0u)
        pre[i] = v;
    if (ACT != LINEAR_ACT_NONE)
        v = act(ACT, v);
    y[i] = v;
}

void tile_store4(uint m, uint n, vec4 v)
{
    if (ODD == 0u)
        store_whole(m, n, v);
    else
        store_odd(m, n, v);
}

#include "shaders/linear/inc/tile_simd.glsl"
