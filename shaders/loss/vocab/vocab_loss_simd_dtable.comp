#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "shaders/loss/vocab/vocab_loss.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// As inc/vocab_dtable.glsl, four columns at a time.
layout(binding = 0) uniform samplerBuffer chunk;                    // (R, ld)
layout(binding = 1) uniform samplerBuffer x;                        // (R, C)
layout(binding = 2) buffer DTable { vec4 dtable[]; };               // (V, C) +=
ROWS(3, Tok);
PUSH_ARGS(vocab_loss_args);

#define TILE_M a.n
#define TILE_N a.cols

uvec2 tile_span()
{
    uint rows = a.rows != 0u ? a.rows : Tok.n;
    return uvec2(min(a.row0, rows), min(a.row1, rows));
}

mat4 tile_a4(uint m, uint k, uint end)
{
    mat4 v;
    for (uint i = 0u; i < 4u; i++) {
        vec4 row = texelFetch(chunk, int((min(k + i, end - 1u) * a.ld + min(m, a.ld - 4u)) / 4u));
        v[i] = k + i < end ? row : vec4(0.0);
    }
    return v;
}

mat4 tile_b4(uint k, uint n, uint end)
{
    mat4 v;
    for (uint i = 0u; i < 4u; i++) {
        vec4 row = texelFetch(x, int((min(k + i, end - 1u) * a.cols + min(n, a.cols - 4u)) / 4u));
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
    dtable[((a.first + m) * a.cols + n) / 4u] += v;
}

#include "shaders/linear/inc/tile_simd.glsl"
