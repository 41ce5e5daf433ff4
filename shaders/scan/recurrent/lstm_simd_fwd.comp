#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/recurrent/lstm.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(lstm_args);
#include "shaders/scan/recurrent/inc/lstm_simd.glsl"
// SIMD form, the whole sequence of a stream in one workgroup.
layout(binding = 1) uniform samplerBuffer x;                   // (R, S 4 D)
layout(binding = 2) uniform samplerBuffer w;                   // (S, 4 D, D)
layout(binding = 3) uniform samplerBuffer start;               // (images, S, 2 D)
layout(binding = 4) writeonly buffer H     { vec4 hs[]; };     // (R, S D)
layout(binding = 5) writeonly buffer Gates { vec4 gates[]; };  // (R, S 5 D) when kept
layout(binding = 6) writeonly buffer Last  { vec4 last[]; };   // (images, S, 2 D) when carried

// Of gate g of own unit u: columns 4 k .. 4 k + 3.
vec4 weights(uint s, uint q, uint k, uint g, uint u)
{
    return texelFetch(w, int(((s * 4u + g) * D + 4u * OWN(q) + u) * W + k));
}
#define TAKE(p, j) vec4 b = subgroupShuffle(h[p], j);
#define ADD(v)     gate[q][g][u] += dot(b, v);

void main()
{
    stream t = stream_get();
    uint state = (t.b * a.streams + t.s) * 2u * W;
    bool has_start = a.has_start != 0u && t.b < Tok.images;
    vec4 h[BLOCKS], gate[BLOCKS][5];
    FOR(q, BLOCKS) {
        vec4 h0 = texelFetch(start, has_start ? int(state + OWN(q)) : 0);
        vec4 c0 = texelFetch(start, has_start ? int(state + W + OWN(q)) : 0);
        h[q] = has_start ? h0 : vec4(0.0);
        gate[q][4] = has_start ? c0 : vec4(0.0);
    }
    HOLD_WEIGHTS(weights(t.s, q, k, g, u))
    for (uint i = 0u; i < t.n; i++) {
        uint row = stream_row(t, i) * a.streams + t.s;
        FOR(q, BLOCKS)
            FOR(g, 4u)
                gate[q][g] = texelFetch(x, int((row * 4u + g) * W + OWN(q)));
        FOR_WEIGHTS(TAKE, ADD, weights(t.s, q, k, g, u))
        FOR(q, BLOCKS) {
            h[q] = cell_forward(gate[q]);
            if (HAS_OWN(q)) {
                hs[row * W + OWN(q)] = h[q];
                if (a.keep != 0u)
                    FOR(g, 5u)
                        gates[(row * 5u + g) * W + OWN(q)] = gate[q][g];
            }
        }
    }
    FOR(q, BLOCKS)
        if (a.carry != 0u && HAS_OWN(q)) {
            last[state + OWN(q)] = h[q];
            last[state + W + OWN(q)] = gate[q][4];
        }
}
