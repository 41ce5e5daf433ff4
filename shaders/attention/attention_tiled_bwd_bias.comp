#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/attention/inc/attention_tile.glsl"
// Tiled form: the gradient of the table of relative positions, of some images and one head. The pairs of a tile are
// added query by query: of one query no two keys that are patches have the same row of the table.
ROWS(0, Tok);
layout(binding = 1) readonly buffer Qkv   { float qkv[]; };    // (R, (H + 2 KV) D)
layout(binding = 2) readonly buffer Lse   { float lse[]; };    // (R, H)
layout(binding = 3) readonly buffer DO    { float dout[]; };   // (R, C)
layout(binding = 4) readonly buffer Delta { float delta[]; };  // (R, H)
layout(binding = 5) readonly buffer Table { float table[]; };  // (N, H)
layout(binding = 6) coherent buffer Part  { float part[]; };   // (parts, N, H)
PUSH_ARGS(attention_bwd_bias_args);
#include "shaders/attention/inc/attention_bias.glsl"
#include "shaders/attention/inc/attention_bwd_bias.glsl"

// The tile of queries q0 .. and keys k0 .. of an image whose rows end at `end`.
void add_tile(uint q0, uint k0, uint end, uint h)
{
    uint C = a.heads * D, ld = qkv_stride(a.heads);
    vec4 s[4] = { vec4(0.0), vec4(0.0), vec4(0.0), vec4(0.0) }, dp[4] = s;
    for (uint sl = 0u; sl < SLICES; sl++) {
        barrier();
        LOAD_TILE(tile_a, dout, q0, end, C, h * D, sl)
        LOAD_TILE(tile_b, qkv, k0, end, ld, v_column(a.heads, h), sl)
        barrier();
        tile_dot(dp);
    }
    for (uint sl = 0u; sl < SLICES; sl++) {
        barrier();
        LOAD_TILE(tile_a, qkv, q0, end, ld, h * D, sl)
        LOAD_TILE(tile_b, qkv, k0, end, ld, k_column(a.heads, h), sl)
        barrier();
        tile_dot(s);
    }
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
        uint row = min(q0 + TY + 8u * i, end - 1u), query = bias_place(row), at = row * a.heads + h;
        vec4 ds = vec4(0.0);
        [[unroll]] for (uint j = 0u; j < 4u; j++)
            if (k0 + TX + 8u * j < end) {
                float x = s[i][j] * (a.scale * LOG2E) + bias_of(query, bias_place(k0 + TX + 8u * j), h) * LOG2E;
                ds[j] = exp2(x - lse[at] * LOG2E) * (dp[i][j] - delta[at]);
            }
        tile_p[(TY + 8u * i) * 9u + TX] = ds;
    }
    uint column = gl_LocalInvocationID.x, key = bias_place(min(k0 + column, end - 1u));
    for (uint i = 0u; i < min(TILE, end - q0); i++) {
        memoryBarrierBuffer();
        barrier();
        if (column < TILE && k0 + column < end)
            add_pair(bias_place(q0 + i), key, h, tile_p[i * 9u + column % 8u][column / 8u]);
    }
}

void main()
{
    uint h = gl_WorkGroupID.y;
    clear_part(h);
    for (uint b = gl_WorkGroupID.z; b < Tok.images; b += a.parts) {
        uint r0 = ROWS_OFFSET(Tok, b), end = ROWS_OFFSET(Tok, b + 1u);
        for (uint q0 = r0 + a.first; q0 < min(r0 + a.last, end); q0 += TILE)
            for (uint k0 = r0; k0 < end; k0 += TILE)
                add_tile(q0, k0, end, h);
    }
    barrier();
    tile_a[gl_LocalInvocationID.x] = vec4(beside[0], beside[1], beside[2], 0.0);
    barrier();
    if (gl_LocalInvocationID.x < 3u) {
        float sum = 0.0;
        for (uint i = 0u; i < TILE; i++)
            sum += tile_a[i][gl_LocalInvocationID.x];
        add_beside(gl_LocalInvocationID.x, h, sum);
    }
}
