#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "shaders/scan/recurrent/lstm.h"
#include "shaders/linear/linear.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// As lstm_dw.comp, four columns at a time.
layout(binding = 0) uniform samplerBuffer work;                // (R, S 5 D) = da, h before
layout(binding = 1) writeonly buffer Part { vec4 part[]; };    // (splits, S, 4 D, D)
ROWS(2, Tok);
layout(constant_id = SPEC_LSTM_TILE_DIM) const uint D = 32u;
PUSH_ARGS(lstm_args);

#define TILE_M (4u * D)
#define TILE_N D
#define STREAM (gl_WorkGroupID.z % a.streams)

uvec2 tile_span()
{
    uint chunk = (Tok.n + a.splits - 1u) / a.splits, k0 = min(gl_WorkGroupID.z / a.streams * chunk, Tok.n);
    return uvec2(k0, min(k0 + chunk, Tok.n));
}

// Four tokens of columns col .. col + 3 of the stream.
mat4 tokens(uint k, uint col, uint end)
{
    mat4 v;
    for (uint i = 0u; i < 4u; i++) {
        uint row = min(k + i, end - 1u) * a.streams + STREAM;
        vec4 four = texelFetch(work, int((row * 5u * D + col) / 4u));
        v[i] = k + i < end ? four : vec4(0.0);
    }
    return v;
}

mat4 tile_a4(uint m, uint k, uint end)
{
    return tokens(k, min(m, 4u * D - 4u), end);
}

mat4 tile_b4(uint k, uint n, uint end)
{
    return tokens(k, 4u * D + min(n, D - 4u), end);
}

vec4 tile_start4(uint n)
{
    return vec4(0.0);
}

void tile_store4(uint m, uint n, vec4 v)
{
    part[((gl_WorkGroupID.z * 4u * D + m) * D + n) / 4u] = v;
}

#include "shaders/linear/inc/tile_simd.glsl"
