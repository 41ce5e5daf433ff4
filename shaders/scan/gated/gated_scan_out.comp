#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/gated/gated_scan.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/scan/inc/chunk.glsl"
// One invocation a column of the state: reads o, reversed dv, off a chunk from the state before it.
layout(binding = 1) readonly buffer X     { float x[]; };      // k, reversed q
layout(binding = 2) readonly buffer Y     { float y[]; };      // v, reversed do
layout(binding = 3) readonly buffer Z     { float z[]; };      // q, reversed k
layout(binding = 4) readonly buffer G     { float g[]; };
layout(binding = 5) readonly buffer Step  { float step_[]; };
layout(binding = 6) readonly buffer State { float state[]; };  // (images, chunks, streams, dk, dv)
layout(binding = 7)          buffer Out   { float o[]; };      // o; reversed dv +=, or its part
PUSH_ARGS(gated_scan_args);
#include "shaders/scan/gated/inc/gated_scan.glsl"
const uint BLOCK = GATED_SCAN_BLOCK;
shared float xs[CHUNK * BLOCK], zs[CHUNK * BLOCK], as[CHUNK * BLOCK];

void main()
{
    chunk_stream t = chunk_stream_get(a.stream0, a.dirs, a.slices);
    uint id = gl_LocalInvocationID.x, j = t.slice * WG + id, jy = min(j, a.dv - 1u), c = gl_WorkGroupID.x;
    if (c >= chunk_count(t))
        return;
    uint rows = chunk_rows(t, c), slot = chunk_slot(t, a.chunks, c, a.streams) * a.dk;
    float in_[CHUNK], acc[CHUNK];
    FOR_ROWS(u) {
        uint row = chunk_row(t, c, rows, u);
        in_[u] = y[Y_AT(row) + jy];
        if (STEP == 1u && REVERSED == 0u)
            in_[u] *= step_[STEP_AT(row)];
        acc[u] = 0.0;
    }
    for (uint i0 = 0u; i0 < a.dk; i0 += BLOCK) {
        barrier();
        for (uint e = id; e < CHUNK * BLOCK; e += WG) {
            uint u = e / BLOCK, i = i0 + e % BLOCK, row = chunk_row(t, c, rows, u);
            bool live = u < rows && i < a.dk;
            i = min(i, a.dk - 1u);
            xs[e] = live ? x[X_AT(row) + i] : 0.0;
            zs[e] = live ? z[Z_AT(row) + i] : 0.0;
            as[e] = live ? exp(g[G_AT(row, i)]) : 1.0;
        }
        barrier();
        for (uint i = 0u; i < min(BLOCK, a.dk - i0); i++) {
            float S = state[(slot + i0 + i) * a.dv + jy];
            FOR_ROWS(u) {
                uint e = u * BLOCK + i;
                S = (REVERSED == 1u ? S : as[e] * S) + xs[e] * in_[u];
                acc[u] += zs[e] * S;
                if (REVERSED == 1u)
                    S *= as[e];
            }
        }
    }
    FOR_ROWS(u)
        if (u < rows && j < a.dv) {
            uint row = chunk_row(t, c, rows, u);
            float sum = a.scale * acc[u];
            if (REVERSED == 1u && STEP == 1u)
                sum *= step_[STEP_AT(row)];
            if (REVERSED == 0u)
                o[O_AT(row) + j] = sum;
            else if (a.parts != 0u)
                o[PART_AT(row, a.dv) + j] = sum;
            else
                o[COLS(v, row) + j] += sum;
        }
}
