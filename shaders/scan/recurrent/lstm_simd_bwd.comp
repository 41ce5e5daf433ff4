#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/recurrent/lstm.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(lstm_args);
#include "shaders/scan/recurrent/inc/lstm_simd.glsl"
// SIMD form of the reverse pass: adds da into dx, and leaves it with the h before each token in work.
layout(binding = 1) uniform samplerBuffer w;                   // (S, 4 D, D)
layout(binding = 2) uniform samplerBuffer start;               // (images, S, 2 D)
layout(binding = 3) uniform samplerBuffer gates;               // (R, S 5 D)
layout(binding = 4) uniform samplerBuffer dy;                  // (R, S D)
layout(binding = 5)           buffer DX   { vec4 dx[]; };      // (R, S 4 D) +=
layout(binding = 6) writeonly buffer Work { vec4 work[]; };    // (R, S 5 D) = da, h before

// Of gate g of unit 4 k + u: the columns of own block q.
vec4 weights(uint s, uint q, uint k, uint g, uint u)
{
    return texelFetch(w, int(((s * 4u + g) * D + 4u * k + u) * W + OWN(q)));
}
#define TAKE(p, j) vec4 b[4]; FOR(g, 4u) b[g] = subgroupShuffle(da[p][g], j);
#define ADD(v)     dh[q] += b[g][u] * v;

void main()
{
    stream t = stream_get();
    uint state = (t.b * a.streams + t.s) * 2u * W;
    vec4 dh[BLOCKS], dc[BLOCKS], tc[BLOCKS], gate[BLOCKS][5], da[BLOCKS][4];
    uint row = stream_row(t, max(t.n, 1u) - 1u) * a.streams + t.s;
    FOR(q, BLOCKS) {
        dh[q] = dc[q] = vec4(0.0);
        FOR(g, 5u)
            gate[q][g] = texelFetch(gates, t.n != 0u ? int((row * 5u + g) * W + OWN(q)) : 0);
        tc[q] = cell_tanh(gate[q][4]);
    }
    HOLD_WEIGHTS(weights(t.s, q, k, g, u))
    for (uint i = t.n; i > 0u; i--) {
        bool is_first = i == 1u, has_start = is_first && a.has_start != 0u;
        uint before = is_first ? row : stream_row(t, i - 2u) * a.streams + t.s;
        FOR(q, BLOCKS) {
            vec4 g_before[5];
            FOR(g, 5u)
                g_before[g] = texelFetch(gates, int((before * 5u + g) * W + OWN(q)));
            vec4 h0 = texelFetch(start, has_start ? int(state + OWN(q)) : 0);
            vec4 c0 = texelFetch(start, has_start ? int(state + W + OWN(q)) : 0);
            vec4 c = is_first ? (has_start ? c0 : vec4(0.0)) : g_before[4], tc_before = cell_tanh(c);
            vec4 h = is_first ? (has_start ? h0 : vec4(0.0)) : g_before[3] * tc_before;
            cell_backward(gate[q], tc[q], c, dh[q] + texelFetch(dy, int(row * W + OWN(q))), dc[q], da[q]);
            if (HAS_OWN(q)) {
                FOR(g, 4u) {
                    work[(row * 5u + g) * W + OWN(q)] = da[q][g];
                    dx[(row * 4u + g) * W + OWN(q)] += da[q][g];
                }
                work[(row * 5u + 4u) * W + OWN(q)] = h;
            }
            gate[q] = g_before;
            tc[q] = tc_before;
            dh[q] = vec4(0.0);
        }
        FOR_WEIGHTS(TAKE, ADD, weights(t.s, q, k, g, u))
        row = before;
    }
}
