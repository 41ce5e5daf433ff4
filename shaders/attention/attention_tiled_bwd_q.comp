#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/attention/inc/attention_tile.glsl"
// Tiled form: one workgroup a tile of 32 queries walks the keys of its image.
ROWS(0, Tok);
layout(binding = 1) readonly buffer Qkv   { float qkv[]; };    // (R, (H + 2 KV) D)
layout(binding = 2) readonly buffer Lse   { float lse[]; };    // (R, H)
layout(binding = 3) readonly buffer DO    { float dout[]; };   // (R, C)
layout(binding = 4) readonly buffer Delta { float delta[]; };  // (R, H)
layout(binding = 5)          buffer DQkv  { float dqkv[]; };   // as qkv; += in the columns of q
layout(binding = 6) readonly buffer Table { float table[]; };  // (N, H), with BIAS
PUSH_ARGS(attention_args);
#include "shaders/attention/inc/attention_bias.glsl"

void main()
{
    uint h = gl_WorkGroupID.y, C = a.heads * D, ld = qkv_stride(a.heads);
    if (gl_WorkGroupID.z >= Tok.images)
        return;
    uint r0 = ROWS_OFFSET(Tok, gl_WorkGroupID.z), end = ROWS_OFFSET(Tok, gl_WorkGroupID.z + 1u);
    uint q0 = r0 + gl_WorkGroupID.x * TILE;
    if (q0 >= end)
        return;
    uint from = r0 + a.first, last = min(r0 + a.last, CAUSAL == 0u ? end : min(end, q0 + TILE));
    if (from >= last)
        return;
    vec4 dq[ACC];
    [[unroll]] for (uint u = 0u; u < ACC; u++)
        dq[u] = vec4(0.0);
    float e[4], dl[4];
    uint query[4];
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
        uint at = min(q0 + TY + 8u * i, end - 1u) * a.heads + h;
        e[i] = lse[at] * LOG2E;
        dl[i] = delta[at];
        if (BIAS != 0u)
            query[i] = bias_place(min(q0 + TY + 8u * i, end - 1u));
    }
    for (uint k0 = from; k0 < last; k0 += TILE) {
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
            vec4 ds = vec4(0.0);
            [[unroll]] for (uint j = 0u; j < 4u; j++)
                if (sees(q0 + TY + 8u * i, k0 + TX + 8u * j, end)) {
                    float x = s[i][j] * (a.scale * LOG2E);
                    if (BIAS != 0u)
                        x += bias_of(query[i], bias_place(k0 + TX + 8u * j), h) * LOG2E;
                    ds[j] = exp2(x - e[i]) * (dp[i][j] - dl[i]);
                }
            tile_p[(TY + 8u * i) * 9u + TX] = ds;
        }
        barrier();
        [[unroll]] for (uint sl = 0u; sl < SLICES; sl++) {
            if (SLICES > 1u) {     // with one slice, tile_b still holds the keys
                barrier();
                LOAD_TILE(tile_b, qkv, k0, end, ld, k_column(a.heads, h), sl)
                barrier();
            }
            MAC_SLICE(dq, sl)
        }
    }
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
        uint row = q0 + TY + 8u * i;
        if (row < end)
            FOR_OWNED(dq, i, y, ch, dqkv[row * ld + h * D + ch] += a.scale * y)
    }
}
