#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/attention/inc/attention_tile.glsl"
// Tiled form: one workgroup a tile of 32 queries, online softmax over tiles of keys.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer Qkv { float qkv[]; };     // (R, (H + 2 KV) D)
layout(binding = 2)           buffer O   { float o[]; };       // (R, C)
layout(binding = 3)           buffer Lse { float lse[]; };     // (R, H)
layout(binding = 4) readonly  buffer Table { float table[]; }; // (N, H), with BIAS
PUSH_ARGS(attention_args);
#include "shaders/attention/inc/attention_bias.glsl"
shared float part[TILE * 8u];

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
    vec4 acc[ACC];
    [[unroll]] for (uint u = 0u; u < ACC; u++)
        acc[u] = vec4(0.0);
    float m[4], l[4];
    uint query[4];
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
        if (BIAS != 0u)
            query[i] = bias_place(min(q0 + TY + 8u * i, end - 1u));
        m[i] = -1.7014117e38;
        l[i] = 0.0;                // of this invocation's columns, summed over x at the end
        if (a.first != 0u) {       // what the launch before left has a sum of 1
            uint row = min(q0 + TY + 8u * i, end - 1u);
            m[i] = lse[row * a.heads + h] * LOG2E;
            l[i] = TX == 0u ? 1.0 : 0.0;
            [[unroll]] for (uint u = 0u; u < SLICES * COLS; u++)
                [[unroll]] for (uint w = 0u; w < 4u; w++) {
                    uint ch = (u / COLS) * SLICE + 4u * (TX + 8u * (u % COLS)) + w;
                    if (ch < D)
                        acc[u * 4u + i][w] = o[row * C + h * D + ch];
                }
        }
    }
    for (uint k0 = from; k0 < last; k0 += TILE) {
        vec4 s[4] = { vec4(0.0), vec4(0.0), vec4(0.0), vec4(0.0) };
        for (uint sl = 0u; sl < SLICES; sl++) {
            barrier();             // tile_b was read by the previous tile
            if (SLICES > 1u || k0 == from)
                LOAD_TILE(tile_a, qkv, q0, end, ld, h * D, sl)
            LOAD_TILE(tile_b, qkv, k0, end, ld, k_column(a.heads, h), sl)
            barrier();
            tile_dot(s);
        }
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            [[unroll]] for (uint j = 0u; j < 4u; j++) {
                float x = s[i][j] * (a.scale * LOG2E);
                if (BIAS != 0u)
                    x += bias_of(query[i], bias_place(min(k0 + TX + 8u * j, end - 1u)), h) * LOG2E;
                s[i][j] = sees(q0 + TY + 8u * i, k0 + TX + 8u * j, end) ? x : -1.7014117e38;
            }
            part[(TY + 8u * i) * 8u + TX] = max(max(s[i].x, s[i].y), max(s[i].z, s[i].w));
        }
        barrier();
        float keep[4];
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            float top = m[i];
            for (uint x = 0u; x < 8u; x++)
                top = max(top, part[(TY + 8u * i) * 8u + x]);
            keep[i] = exp2(m[i] - top);
            m[i] = top;
            vec4 p = exp2(s[i] - top);     // 0 for keys not seen: top is a real score
            l[i] = l[i] * keep[i] + (p.x + p.y) + (p.z + p.w);
            tile_p[(TY + 8u * i) * 9u + TX] = p;
        }
        [[unroll]] for (uint u = 0u; u < ACC; u++)
            acc[u] *= keep[u % 4u];
        [[unroll]] for (uint sl = 0u; sl < SLICES; sl++) {
            barrier();
            LOAD_TILE(tile_b, qkv, k0, end, ld, v_column(a.heads, h), sl)
            barrier();
            MAC_SLICE(acc, sl)
        }
    }
    [[unroll]] for (uint i = 0u; i < 4u; i++)
        part[(TY + 8u * i) * 8u + TX] = l[i];
    barrier();
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
        uint row = q0 + TY + 8u * i;
        float sum = 0.0;
        for (uint x = 0u; x < 8u; x++)
            sum += part[(TY + 8u * i) * 8u + x];
        if (row < end) {
            FOR_OWNED(acc, i, y, ch, o[row * C + h * D + ch] = y / sum)
            if (TX == 0u) {
                float e = log2(sum);
                e += (sum * exp2(-e) - 1.0) * LOG2E;   // one Newton step: log2 alone may be off by 2^-21
                lse[row * a.heads + h] = (m[i] + e) * LN2;
            }
        }
    }
}
