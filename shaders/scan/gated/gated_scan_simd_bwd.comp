#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/gated/gated_scan.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/scan/inc/chunk.glsl"
#include "shaders/scan/gated/inc/gated_scan.glsl"
#include "shaders/scan/gated/inc/gated_scan_simd.glsl"
// SIMD form of gated_scan_bwd: a lane owns a vec4 of channels of q and k, and takes four columns of S at a time.
layout(binding = 1) uniform samplerBuffer q;
layout(binding = 2) uniform samplerBuffer k;
layout(binding = 3) uniform samplerBuffer v;
layout(binding = 4) uniform samplerBuffer g4;                  // of channels
layout(binding = 5) readonly  buffer G     { float g[]; };     // of streams
layout(binding = 6) readonly  buffer Step  { float step_[]; };
layout(binding = 7) uniform samplerBuffer d_o;
layout(binding = 8) uniform samplerBuffer state;               // (images, chunks, streams, dk, dv) before each chunk
layout(binding = 9) uniform samplerBuffer after;               // the same of dS, after each chunk
layout(binding = 10) writeonly buffer Parts4 { vec4 part4[]; };    // dq | dk | dg | dstep
layout(binding = 11) writeonly buffer Parts  { float part[]; };    // the same memory
PUSH_ARGS(gated_scan_args);

// One number a row: the sum of x over the channels of this workgroup.
#define SUM_ROWS(X, AT)                                                             \
    FOR(b, BLOCKS) {                                                                \
        float own = 0.0;                                                            \
        FOR(l, SIMD)                                                                \
            if (b * SIMD + l < CHUNK) {                                             \
                float one = mine ? dot(X[b * SIMD + l], vec4(1.0)) : 0.0, sum = 0.0;    \
                FOR(m, SIMD)                                                        \
                    sum += subgroupShuffle(one, m);                                 \
                own = l == LANE ? sum : own;                                        \
            }                                                                       \
        uint u = b * SIMD + LANE;                                                   \
        if (u < rows)                                                               \
            part[(AT) + PART_AT(chunk_row(t, c, rows, u), a.slices) + t.slice] = a.scale * own; \
    }

void main()
{
    chunk_stream t = chunk_stream_get(a.stream0, a.dirs, a.slices);
    uint c = gl_WorkGroupID.x, wide = a.dv / 4u, quads = a.dk / 4u;
    if (c >= chunk_count(t))
        return;
    uint rows = chunk_rows(t, c), i4 = min(simd_quad(t, 0u), quads - 1u);
    uint slot = (chunk_slot(t, a.chunks, c, a.streams) * a.dk + 4u * i4) * wide;
    bool mine = simd_quad(t, 0u) < quads;
    vec4 qs[CHUNK], ks[CHUNK], as[CHUNK], dq[CHUNK], dk[CHUNK], dg[CHUNK];
    float steps[CHUNK], keep[CHUNK];
    if (CHANNELS == 0u)
        ROW_NUMBERS(keep, exp, g, G0_AT, 1.0)
    if (STEP == 1u)
        ROW_NUMBERS(steps, float, step_, STEP_AT, 0.0)
    FOR(u, CHUNK) {
        uint row = chunk_row(t, c, rows, u);
        bool live = u < rows;
        vec4 q_ = texelFetch(q, int(COLS(q, row) / 4u + i4)), k_ = texelFetch(k, int(COLS(k, row) / 4u + i4));
        qs[u] = live ? q_ : vec4(0.0);
        ks[u] = live ? k_ : vec4(0.0);
        if (STEP == 1u)
            ks[u] *= steps[u];
        if (CHANNELS == 1u) {
            vec4 g_ = texelFetch(g4, int(G0_AT(row) / 4u + i4));
            as[u] = exp(live ? g_ : vec4(0.0));
        } else
            as[u] = vec4(keep[u]);
        dq[u] = dk[u] = dg[u] = vec4(0.0);
    }
    for (uint j4 = 0u; j4 < wide; j4++) {
        vec4 vs[BLOCKS], ds[BLOCKS], s[4], h[4];
        ROWS_OF(vs, v, V0_AT, j4)
        ROWS_OF(ds, d_o, O_AT, j4)
        FOR(i, 4u) {
            s[i] = texelFetch(state, int(slot + i * wide + j4));
            h[i] = texelFetch(after, int(slot + i * wide + j4));
        }
        FOR(j, 4u) {
            vec4 S = vec4(s[0][j], s[1][j], s[2][j], s[3][j]), H = vec4(h[0][j], h[1][j], h[2][j], h[3][j]);
            vec4 T[CHUNK];
            float in_[CHUNK], out_[CHUNK];
            FOR(u, CHUNK) {
                in_[u] = FROM_ROW(vs, u, j);
                out_[u] = FROM_ROW(ds, u, j);
                T[u] = as[u] * S;
                S = T[u] + ks[u] * in_[u];
                dq[u] += S * out_[u];
            }
            FOR(w, CHUNK) {
                uint u = CHUNK - 1u - w;
                H += qs[u] * out_[u];
                dk[u] += H * in_[u];
                dg[u] += H * T[u];
                H *= as[u];
            }
        }
    }
    uint parts = PARTS(a.dk), last = 2u * parts + (CHANNELS == 1u ? parts : PARTS(a.slices));
    FOR(u, CHUNK) {
        uint row = chunk_row(t, c, rows, u), at = PART_AT(row, a.dk) / 4u + i4;
        if (u < rows && mine) {
            part4[at] = a.scale * dq[u];
            part4[parts / 4u + at] = (STEP == 1u ? a.scale * steps[u] : a.scale) * dk[u];
            if (CHANNELS == 1u)
                part4[parts / 2u + at] = a.scale * dg[u];
        }
        if (STEP == 1u)
            dk[u] *= texelFetch(k, int(COLS(k, row) / 4u + i4));
    }
    if (CHANNELS == 0u)
        SUM_ROWS(dg, 2u * parts)
    if (STEP == 1u)
        SUM_ROWS(dk, last)
}
