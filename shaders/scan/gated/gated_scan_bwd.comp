#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/gated/gated_scan.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/scan/inc/chunk.glsl"
// One invocation a channel i of q and k: walks element after element (i, j) of S up the chunk and of dS down it,
// and leaves dq, dk, dg and dstep as parts. T = exp(g_t) S_{t-1}, so dg is a sum of products that contain exp(g_t).
layout(binding = 1) readonly  buffer Q     { float q[]; };
layout(binding = 2) readonly  buffer K     { float k[]; };
layout(binding = 3) readonly  buffer V     { float v[]; };
layout(binding = 4) readonly  buffer G     { float g[]; };
layout(binding = 5) readonly  buffer Step  { float step_[]; };
layout(binding = 6) readonly  buffer DO    { float d_o[]; };
layout(binding = 7) readonly  buffer State { float state[]; }; // (images, chunks, streams, dk, dv) before each chunk
layout(binding = 8) readonly  buffer After { float after[]; }; // the same of dS, after each chunk
layout(binding = 9) writeonly buffer Parts { float part[]; };  // dq | dk | dg | dstep
PUSH_ARGS(gated_scan_args);
#include "shaders/scan/gated/inc/gated_scan.glsl"
const uint BLOCK = GATED_SCAN_BLOCK, SUM = GATED_SCAN_SUM;
shared float vs[CHUNK * BLOCK], ds[CHUNK * BLOCK], sums[SUM * WG];

// One number a row: the sum of x over the channels of this workgroup, SUM rows at a time.
#define SUM_ROWS(X, AT, SCALE)                                                                        \
    FOR(u0, (CHUNK + SUM - 1u) / SUM) {                                                               \
        barrier();                                                                                    \
        FOR(w, SUM)                                                                                   \
            sums[w * WG + id] = i < a.dk ? X[min(u0 * SUM + w, CHUNK - 1u)] : 0.0;                    \
        barrier();                                                                                    \
        for (uint w = id; w < SUM; w += WG)                                                           \
            if (u0 * SUM + w < rows) {                                                                \
                float sum_ = 0.0;                                                                     \
                for (uint e = 0u; e < WG; e++)                                                        \
                    sum_ += sums[w * WG + e];                                                         \
                uint row = chunk_row(t, c, rows, u0 * SUM + w);                                       \
                part[(AT) + PART_AT(row, a.slices) + t.slice] = (SCALE) * sum_;                       \
            }                                                                                         \
    }

void main()
{
    chunk_stream t = chunk_stream_get(a.stream0, a.dirs, a.slices);
    uint id = gl_LocalInvocationID.x, i = t.slice * WG + id, ix = min(i, a.dk - 1u);
    uint parts = PARTS(a.dk), last = 2u * parts + (CHANNELS == 1u ? parts : PARTS(a.slices));
    uint c = gl_WorkGroupID.x;
    if (c >= chunk_count(t))
        return;
    uint rows = chunk_rows(t, c), slot = (chunk_slot(t, a.chunks, c, a.streams) * a.dk + ix) * a.dv;
    float qs[CHUNK], ks[CHUNK], as[CHUNK], T[CHUNK], dq[CHUNK], dk[CHUNK], dg[CHUNK];
    FOR_ROWS(u) {
        uint row = chunk_row(t, c, rows, u);
        bool live = u < rows;
        qs[u] = live ? q[COLS(q, row) + ix] : 0.0;
        ks[u] = live ? k[COLS(k, row) + ix] : 0.0;
        as[u] = live ? exp(g[G_AT(row, ix)]) : 1.0;
        if (STEP == 1u)
            ks[u] *= step_[STEP_AT(row)];
        dq[u] = dk[u] = dg[u] = 0.0;
    }
    for (uint j0 = 0u; j0 < a.dv; j0 += BLOCK) {
        barrier();
        for (uint e = id; e < CHUNK * BLOCK; e += WG) {
            uint row = chunk_row(t, c, rows, e / BLOCK), j = min(j0 + e % BLOCK, a.dv - 1u);
            vs[e] = v[COLS(v, row) + j];
            ds[e] = d_o[O_AT(row) + j];
        }
        barrier();
        for (uint j = 0u; j < min(BLOCK, a.dv - j0); j++) {
            float S = state[slot + j0 + j], H = after[slot + j0 + j];
            FOR_ROWS(u) {
                T[u] = as[u] * S;
                S = T[u] + ks[u] * vs[u * BLOCK + j];
                dq[u] += S * ds[u * BLOCK + j];
            }
            FOR_ROWS(w) {
                uint u = CHUNK - 1u - w;
                H += qs[u] * ds[u * BLOCK + j];
                dk[u] += H * vs[u * BLOCK + j];
                dg[u] += H * T[u];
                H *= as[u];
            }
        }
    }
    FOR_ROWS(u)
        if (u < rows && i < a.dk) {
            uint row = chunk_row(t, c, rows, u), at = PART_AT(row, a.dk) + i;
            part[at] = a.scale * dq[u];
            part[parts + at] = a.scale * (STEP == 1u ? step_[STEP_AT(row)] : 1.0) * dk[u];
            if (CHANNELS == 1u)
                part[2u * parts + at] = a.scale * dg[u];
            if (STEP == 1u)
                dk[u] *= k[COLS(k, row) + i];
        }
    if (CHANNELS == 0u)
        SUM_ROWS(dg, 2u * parts, a.scale)
    if (STEP == 1u)
        SUM_ROWS(dk, last, a.scale)
}
