#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/attention/inc/attention_tile.glsl"
// Tiled form: one workgroup a tile of 32 keys walks the queries of its image, query head after query head of its group;
// scores are transposed.
ROWS(0, Tok);
layout(binding = 1) readonly buffer Qkv   { float qkv[]; };    // (R, (H + 2 KV) D)
layout(binding = 2) readonly buffer Lse   { float lse[]; };    // (R, H)
layout(binding = 3) readonly buffer DO    { float dout[]; };   // (R, C)
layout(binding = 4) readonly buffer Delta { float delta[]; };  // (R, H)
layout(binding = 5)          buffer DQkv  { float dqkv[]; };   // as qkv; += in the columns of k and v
layout(binding = 6) readonly buffer Table { float table[]; };  // (N, H), with BIAS
PUSH_ARGS(attention_bwd_kv_args);
#include "shaders/attention/inc/attention_bias.glsl"

void main()
{
    uint h0 = gl_WorkGroupID.y * GROUP, C = a.heads * D, ld = qkv_stride(a.heads);
    uint col_k = k_column(a.heads, h0), col_v = v_column(a.heads, h0);
    if (gl_WorkGroupID.z >= Tok.images)
        return;
    uint r0 = ROWS_OFFSET(Tok, gl_WorkGroupID.z), end = ROWS_OFFSET(Tok, gl_WorkGroupID.z + 1u);
    uint k0 = r0 + gl_WorkGroupID.x * TILE;
    if (k0 >= end)
        return;
    uint from = max(r0 + a.first, CAUSAL == 0u ? r0 : k0), last = min(r0 + a.last, end);
    if (from >= last)
        return;
    vec4 dk[ACC], dv[ACC];
    uint key[4];
    [[unroll]] for (uint i = 0u; i < 4u; i++)
        if (BIAS != 0u)
            key[i] = bias_place(min(k0 + TY + 8u * i, end - 1u));
    [[unroll]] for (uint u = 0u; u < ACC; u++)
        dk[u] = dv[u] = vec4(0.0);
    for (uint h = h0 + a.first_head; h < h0 + a.last_head; h++)
        for (uint q0 = from; q0 < last; q0 += TILE) {
            vec4 s[4] = { vec4(0.0), vec4(0.0), vec4(0.0), vec4(0.0) }, ds[4] = s;
            for (uint sl = 0u; sl < SLICES; sl++) {
                barrier();
                LOAD_TILE(tile_a, qkv, k0, end, ld, col_k, sl)
                LOAD_TILE(tile_b, qkv, q0, end, ld, h * D, sl)
                barrier();
                tile_dot(s);
            }
            for (uint sl = 0u; sl < SLICES; sl++) {
                barrier();
                LOAD_TILE(tile_a, qkv, k0, end, ld, col_v, sl)
                LOAD_TILE(tile_b, dout, q0, end, C, h * D, sl)
                barrier();
                tile_dot(ds);
            }
            [[unroll]] for (uint j = 0u; j < 4u; j++) {
                uint row = q0 + TX + 8u * j, at = min(row, end - 1u) * a.heads + h;
                float e = lse[at] * LOG2E, dl = delta[at];
                uint query = 0u;
                if (BIAS != 0u)
                    query = bias_place(min(row, end - 1u));
                [[unroll]] for (uint i = 0u; i < 4u; i++) {
                    float x = s[i][j] * (a.scale * LOG2E);
                    if (BIAS != 0u)
                        x += bias_of(query, key[i], h) * LOG2E;
                    float p = row < end && (CAUSAL == 0u || k0 + TY + 8u * i <= row) ? exp2(x - e) : 0.0;
                    s[i][j] = p;
                    ds[i][j] = p * (ds[i][j] - dl);
                }
            }
            [[unroll]] for (uint i = 0u; i < 4u; i++)
                tile_p[(TY + 8u * i) * 9u + TX] = s[i];
            barrier();
            [[unroll]] for (uint sl = 0u; sl < SLICES; sl++) {
                if (SLICES > 1u) {     // with one slice, tile_b still holds the output gradients
                    barrier();
                    LOAD_TILE(tile_b, dout, q0, end, C, h * D, sl)
                    barrier();
                }
                MAC_SLICE(dv, sl)
            }
            barrier();
            [[unroll]] for (uint i = 0u; i < 4u; i++)
                tile_p[(TY + 8u * i) * 9u + TX] = ds[i];
            [[unroll]] for (uint sl = 0u; sl < SLICES; sl++) {
                barrier();
                LOAD_TILE(tile_b, qkv, q0, end, ld, h * D, sl)
                barrier();
                MAC_SLICE(dk, sl)
            }
        }
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
        uint row = k0 + TY + 8u * i;
        if (row < end) {
            FOR_OWNED(dk, i, y, ch, dqkv[row * ld + col_k + ch] += a.scale * y)
            FOR_OWNED(dv, i, y, ch, dqkv[row * ld + col_v + ch] += y)
        }
    }
}
