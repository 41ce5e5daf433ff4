#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "shaders/scan/recurrent/lstm.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(lstm_args);
// The reverse pass of a stream in one workgroup of PARTS x D: the first D make da of their unit, add it into dx
// and leave it with the h before each token in work; then all sum dh = W_h^T da, each over D / PARTS units.
layout(binding = 1) readonly  buffer WH    { float w[]; };     // (S, 4 D, D)
layout(binding = 2) readonly  buffer Start { float start[]; }; // (images, S, 2 D)
layout(binding = 3) readonly  buffer Gates { float gates[]; }; // (R, S 5 D)
layout(binding = 4) readonly  buffer DY    { float dy[]; };    // (R, S D)
layout(binding = 5)           buffer DX    { float dx[]; };    // (R, S 4 D) +=
layout(binding = 6) writeonly buffer Work  { float work[]; };  // (R, S 5 D) = da, h before
#include "shaders/scan/recurrent/inc/lstm_parts.glsl"

shared vec4 all_da[D];
shared float sums[WG];

// Weights of h[unit] in the four gates of unit u.
vec4 weights(uint s, uint u)
{
    uint at = (s * 4u * D + min(u, D - 1u)) * D + UNIT;
    vec4 v = vec4(w[at], w[at + D * D], w[at + 2u * D * D], w[at + 3u * D * D]);
    return u < D ? v : vec4(0.0);
}

// What an owner does for the token at `row`: returns c and h before it in gate[4] and tc on the next turn.
void own_step(stream t, uint i, uint row, uint before, float dh, inout float dc, inout float gate[5])
{
    float da[4], g_before[5], h = 0.0;
    if (i > 1u) {
        FOR(g, 5u)
            g_before[g] = gates[(before * 5u + g) * D + UNIT];
        h = g_before[3] * cell_tanh(g_before[4]);
    } else {
        FOR(g, 5u)
            g_before[g] = 0.0;
        if (a.has_start != 0u) {
            uint state = (t.b * a.streams + t.s) * 2u * D;
            h = start[state + UNIT];
            g_before[4] = start[state + D + UNIT];
        }
    }
    cell_backward(gate, cell_tanh(gate[4]), g_before[4], dh + dy[row * D + UNIT], dc, da);
    FOR(g, 4u) {
        work[(row * 5u + g) * D + UNIT] = da[g];
        dx[(row * 4u + g) * D + UNIT] += da[g];
    }
    work[(row * 5u + 4u) * D + UNIT] = h;
    all_da[UNIT] = vec4(da[0], da[1], da[2], da[3]);
    gate = g_before;
}

void main()
{
    stream t = stream_get();
    vec4 held[HELD == 1u ? EACH : 1u];
    if (HELD == 1u)
        FOR(j, EACH)
            held[j] = weights(t.s, PART * EACH + j);
    float gate[5], dh = 0.0, dc = 0.0;
    uint row = stream_row(t, max(t.n, 1u) - 1u) * a.streams + t.s;
    if (PART == 0u && t.n != 0u)
        FOR(g, 5u)
            gate[g] = gates[(row * 5u + g) * D + UNIT];
    for (uint i = t.n; i > 0u; i--) {
        uint before = i > 1u ? stream_row(t, i - 2u) * a.streams + t.s : row;
        if (PART == 0u)
            own_step(t, i, row, before, dh, dc, gate);
        barrier();                 // da is there, and the sums are read
        float sum = 0.0;
        if (HELD == 1u) {
            FOR(j, EACH)
                sum += dot(held[j], all_da[min(PART * EACH + j, D - 1u)]);
        } else {
            FOR_SOME(j)
                FOR(e, AT_ONCE)
                    sum += dot(weights(t.s, SOME(j, e)), all_da[min(SOME(j, e), D - 1u)]);
        }
        sums[gl_LocalInvocationID.x] = sum;
        barrier();                 // the sums are there, and da is read
        dh = 0.0;
        if (PART == 0u)
            FOR(p, PARTS)
                dh += sums[p * D + UNIT];
        row = before;
    }
}
