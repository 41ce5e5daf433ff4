#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/gated/gated_scan.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/scan/inc/chunk.glsl"
#include "shaders/scan/gated/inc/gated_scan.glsl"
#include "shaders/scan/gated/inc/gated_scan_simd.glsl"
// SIMD form, fused only: a lane owns OWN vec4 of columns, and walks TALL channels at a time over all rows.
layout(binding = 1) uniform samplerBuffer x;                   // k, reversed q
layout(binding = 2) uniform samplerBuffer y;                   // v, reversed do
layout(binding = 3) uniform samplerBuffer g4;                  // of channels
layout(binding = 4) readonly  buffer G     { float g[]; };     // of streams
layout(binding = 5) readonly  buffer Step  { float step_[]; };
layout(binding = 6) uniform samplerBuffer start;               // (images, heads dirs, dk, dv)
layout(binding = 7) writeonly buffer State { vec4 state[]; };  // (images, chunks, streams, dk, dv)
layout(binding = 8) writeonly buffer Last  { vec4 last[]; };   // (images, heads dirs, dk, dv)
layout(constant_id = SPEC_GATED_SCAN_START) const uint START = 0u;
PUSH_ARGS(gated_scan_args);
const uint TALL = GATED_SCAN_TALL / 4u;              // vec4 of channels

void main()
{
    chunk_stream t = chunk_stream_get(a.stream0, a.dirs, a.slices);
    uint quads = a.dv / 4u, tall = a.dk / 4u, ends = (t.image * a.heads * a.dirs + t.s) * a.dk;
    uint n = chunk_count(t), f0 = gl_WorkGroupID.x * TALL;
    vec4 S[4u * TALL][OWN];
    FOR(i, 4u * TALL)
        FOR(w, OWN) {
            uint f = min(f0 + i / 4u, tall - 1u) * 4u + i % 4u;
            S[i][w] = vec4(0.0);
            if (START == 1u && n > 0u)
                S[i][w] = texelFetch(start, int((ends + f) * quads + min(simd_quad(t, w), quads - 1u)));
        }
    for (uint m = 0u; m < n; m++) {
        uint c = chunk_at(t, m), rows = chunk_rows(t, c), slot = chunk_slot(t, a.chunks, c, a.streams) * a.dk;
        vec4 add[4u * TALL][OWN], total[TALL];
        FOR(i, 4u * TALL)
            FOR(w, OWN)
                add[i][w] = vec4(0.0);
        FOR(f, TALL)
            total[f] = vec4(0.0);
        for (uint u0 = 0u; u0 < rows; u0 += SIMD) {
            uint row = chunk_row(t, c, rows, u0 + LANE);
            bool live = u0 + LANE < rows;
            vec4 xs[TALL], as[TALL], in_[SIMD][OWN];
            float weight = 1.0, one = live ? g[G0_AT(row)] : 0.0;
            if (STEP == 1u && REVERSED == 0u)
                weight = step_[STEP_AT(row)];
            FOR(f, TALL) {
                uint at = min(f0 + f, tall - 1u);
                xs[f] = texelFetch(x, int(X_AT(row) / 4u + at)) * weight;
                xs[f] = live ? xs[f] : vec4(0.0);
                as[f] = vec4(one);
                if (CHANNELS == 1u) {
                    as[f] = texelFetch(g4, int(G0_AT(row) / 4u + at));
                    as[f] = live ? as[f] : vec4(0.0);
                }
                total[f] += as[f];
                as[f] = CHANNELS == 1u ? exp(as[f]) : vec4(exp(one));
            }
            FOR(l, SIMD)
                FOR(w, OWN) {
                    uint at = Y_AT(chunk_row(t, c, rows, u0 + l)) / 4u;
                    in_[l][w] = texelFetch(y, int(at + min(simd_quad(t, w), quads - 1u)));
                }
            FOR(i, 4u * TALL)
                FOR(l, SIMD) {
                    float k = subgroupShuffle(xs[i / 4u][i % 4u], l), decay_ = subgroupShuffle(as[i / 4u][i % 4u], l);
                    FOR(w, OWN)
                        add[i][w] = REVERSED == 1u ? decay_ * (add[i][w] + k * in_[l][w])
                                                   : decay_ * add[i][w] + k * in_[l][w];
                }
        }
        FOR(f, TALL)
            FOR(d, 4u) {
                float sum = 0.0;
                FOR(l, SIMD)
                    sum += subgroupShuffle(total[f][d], l);
                total[f][d] = sum;
            }
        FOR(i, 4u * TALL)
            FOR(w, OWN) {
                uint f = f0 + i / 4u, j = simd_quad(t, w);
                if (f < tall && j < quads)
                    state[(slot + 4u * f + i % 4u) * quads + j] = S[i][w];
                FOR(d, 4u)
                    S[i][w][d] = chunk_carry(S[i][w][d], total[i / 4u][i % 4u], add[i][w][d]);
            }
    }
    if (a.carry != 0u)
        FOR(i, 4u * TALL)
            FOR(w, OWN) {
                uint f = f0 + i / 4u, j = simd_quad(t, w);
                if (f < tall && j < quads)
                    last[(ends + 4u * f + i % 4u) * quads + j] = S[i][w];
            }
}
