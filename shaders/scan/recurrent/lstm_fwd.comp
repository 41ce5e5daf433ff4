#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "shaders/scan/recurrent/lstm.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(lstm_args);
// The whole sequence of a stream in one workgroup of PARTS x D: each invocation sums the four gates of one unit
// over D / PARTS of h, whose weights it holds; the first D add the parts up and finish the step.
layout(binding = 1) readonly  buffer X     { float x[]; };     // (R, S 4 D)
layout(binding = 2) readonly  buffer WH    { float w[]; };     // (S, 4 D, D)
layout(binding = 3) readonly  buffer Start { float start[]; }; // (images, S, 2 D)
layout(binding = 4) writeonly buffer H     { float hs[]; };    // (R, S D)
layout(binding = 5) writeonly buffer Gates { float gates[]; }; // (R, S 5 D) when kept
layout(binding = 6) writeonly buffer Last  { float last[]; };  // (images, S, 2 D) when carried
#include "shaders/scan/recurrent/inc/lstm_parts.glsl"

shared float h[D];
shared vec4 sums[WG];

// Weights of h[k] in the four gates of a unit.
vec4 weights(uint s, uint unit, uint k)
{
    uint at = (s * 4u * D + unit) * D + min(k, D - 1u);
    vec4 v = vec4(w[at], w[at + D * D], w[at + 2u * D * D], w[at + 3u * D * D]);
    return k < D ? v : vec4(0.0);
}

void main()
{
    stream t = stream_get();
    uint state = (t.b * a.streams + t.s) * 2u * D;
    vec4 held[HELD == 1u ? EACH : 1u];
    if (HELD == 1u)
        FOR(j, EACH)
            held[j] = weights(t.s, UNIT, PART * EACH + j);
    float gate[5];
    gate[4] = 0.0;
    if (PART == 0u) {
        bool has_start = a.has_start != 0u && t.b < Tok.images;
        h[UNIT] = 0.0;
        if (has_start) {
            h[UNIT] = start[state + UNIT];
            gate[4] = start[state + D + UNIT];
        }
    }
    for (uint i = 0u; i < t.n; i++) {
        uint row = stream_row(t, i) * a.streams + t.s;
        if (PART == 0u)
            FOR(g, 4u)
                gate[g] = x[(row * 4u + g) * D + UNIT];
        barrier();                 // h is there
        vec4 sum = vec4(0.0);
        if (HELD == 1u) {
            FOR(j, EACH)
                sum += held[j] * h[min(PART * EACH + j, D - 1u)];
        } else {
            FOR_SOME(j)
                FOR(e, AT_ONCE)
                    sum += weights(t.s, UNIT, SOME(j, e)) * h[min(SOME(j, e), D - 1u)];
        }
        sums[gl_LocalInvocationID.x] = sum;
        barrier();                 // the sums are there, and h is read
        if (PART == 0u) {
            FOR(p, PARTS)
                FOR(g, 4u)
                    gate[g] += sums[p * D + UNIT][g];
            float out_h = cell_forward(gate);
            h[UNIT] = out_h;
            hs[row * D + UNIT] = out_h;
            if (a.keep != 0u)
                FOR(g, 5u)
                    gates[(row * 5u + g) * D + UNIT] = gate[g];
        }
    }
    if (a.carry != 0u && PART == 0u) {
        last[state + UNIT] = h[UNIT];
        last[state + D + UNIT] = gate[4];
    }
}
