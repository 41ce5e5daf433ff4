#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/gated/gated_scan.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/scan/inc/chunk.glsl"
#include "shaders/scan/gated/inc/gated_scan.glsl"
#include "shaders/scan/gated/inc/gated_scan_simd.glsl"
// SIMD form: a lane owns OWN vec4 of columns of the state.
layout(binding = 1) uniform samplerBuffer x;                   // k, reversed q
layout(binding = 2) uniform samplerBuffer y;                   // v, reversed do
layout(binding = 3) uniform samplerBuffer z;                   // q, reversed k
layout(binding = 4) uniform samplerBuffer g4;                  // of channels
layout(binding = 5) readonly buffer G     { float g[]; };      // of streams
layout(binding = 6) readonly buffer Step  { float step_[]; };
layout(binding = 7) uniform samplerBuffer state;               // (images, chunks, streams, dk, dv)
layout(binding = 8)          buffer Out   { vec4 o[]; };       // o; reversed dv +=, or its part
PUSH_ARGS(gated_scan_args);

void main()
{
    chunk_stream t = chunk_stream_get(a.stream0, a.dirs, a.slices);
    uint c = gl_WorkGroupID.x, quads = a.dv / 4u;
    if (c >= chunk_count(t))
        return;
    uint rows = chunk_rows(t, c), slot = chunk_slot(t, a.chunks, c, a.streams) * a.dk * quads;
    vec4 in_[CHUNK][OWN], acc[CHUNK][OWN];
    float keep[CHUNK], steps[CHUNK];
    if (CHANNELS == 0u)
        ROW_NUMBERS(keep, exp, g, G0_AT, 1.0)
    if (STEP == 1u)
        ROW_NUMBERS(steps, float, step_, STEP_AT, 0.0)
    FOR(u, CHUNK)
        FOR(w, OWN) {
            uint at = Y_AT(chunk_row(t, c, rows, u)) / 4u + min(simd_quad(t, w), quads - 1u);
            in_[u][w] = texelFetch(y, int(at));
            if (STEP == 1u && REVERSED == 0u)
                in_[u][w] *= steps[u];
            acc[u][w] = vec4(0.0);
        }
    for (uint i4 = 0u; i4 < a.dk / 4u; i4++) {
        vec4 xs[BLOCKS], zs[BLOCKS], as[BLOCKS], S[4][OWN];
        ROWS_OF(xs, x, X_AT, i4)
        ROWS_OF(zs, z, Z_AT, i4)
        if (CHANNELS == 1u) {
            ROWS_OF(as, g4, G0_AT, i4)
            FOR(b, BLOCKS)
                as[b] = exp(as[b]);
        }
        FOR(i, 4u)
            FOR(w, OWN)
                S[i][w] = texelFetch(state, int(slot + (4u * i4 + i) * quads + min(simd_quad(t, w), quads - 1u)));
        FOR(u, CHUNK)
            FOR(i, 4u) {
                float k = FROM_ROW(xs, u, i), q = FROM_ROW(zs, u, i), decay_ = keep[u];
                if (CHANNELS == 1u)
                    decay_ = FROM_ROW(as, u, i);
                FOR(w, OWN) {
                    S[i][w] = (REVERSED == 1u ? S[i][w] : decay_ * S[i][w]) + k * in_[u][w];
                    acc[u][w] += q * S[i][w];
                    if (REVERSED == 1u)
                        S[i][w] *= decay_;
                }
            }
    }
    FOR(u, CHUNK)
        FOR(w, OWN) {
            uint row = chunk_row(t, c, rows, u), j = simd_quad(t, w);
            if (u < rows && j < quads) {
                vec4 sum = a.scale * acc[u][w];
                if (REVERSED == 1u && STEP == 1u)
                    sum *= steps[u];
                if (REVERSED == 0u)
                    o[O_AT(row) / 4u + j] = sum;
                else if (a.parts != 0u)
                    o[PART_AT(row, a.dv) / 4u + j] = sum;
                else
                    o[COLS(v, row) / 4u + j] += sum;
            }
        }
}
