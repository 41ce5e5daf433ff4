#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/gated/gated_scan.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/scan/inc/chunk.glsl"
// One invocation a column of the state. Split: leaves what its chunk adds, and the chunk's sum of g. Fused:
// walks all chunks, the state in registers, and leaves the state before each. Reversed, x and y are q and do and
// the states those of dS.
layout(binding = 1) readonly  buffer X     { float x[]; };     // k, reversed q
layout(binding = 2) readonly  buffer Y     { float y[]; };     // v, reversed do
layout(binding = 3) readonly  buffer G     { float g[]; };
layout(binding = 4) readonly  buffer Step  { float step_[]; };
layout(binding = 5) readonly  buffer Start { float start[]; }; // (images, heads dirs, dk, dv)
layout(binding = 6) writeonly buffer State { float state[]; }; // (images, chunks, streams, dk, dv)
layout(binding = 7) writeonly buffer Decay { float decay[]; }; // (images, chunks, streams, 1 or dk)
layout(binding = 8) writeonly buffer Last  { float last[]; };  // (images, heads dirs, dk, dv)
layout(constant_id = SPEC_GATED_SCAN_START) const uint START = 0u;
PUSH_ARGS(gated_scan_args);
#include "shaders/scan/gated/inc/gated_scan.glsl"
const uint BLOCK = GATED_SCAN_BLOCK, PIECE = GATED_SCAN_PIECE;              // channels and rows staged at a time
shared float xs[PIECE * BLOCK], as[PIECE * BLOCK], total[BLOCK];

void main()
{
    chunk_stream t = chunk_stream_get(a.stream0, a.dirs, a.slices);
    uint id = gl_LocalInvocationID.x, j = t.slice * WG + id, jy = min(j, a.dv - 1u);
    uint ends = (t.image * a.heads * a.dirs + t.s) * a.dk, n = chunk_here(t);
    for (uint i0 = 0u; i0 < a.dk; i0 += BLOCK) {
        float S[BLOCK];
        FOR(i, BLOCK) {
            S[i] = 0.0;
            if (START == 1u && n > 0u && i0 + i < a.dk)
                S[i] = start[(ends + i0 + i) * a.dv + jy];
        }
        for (uint m = 0u; m < n; m++) {
            uint c = FUSED == 1u ? chunk_at(t, m) : gl_WorkGroupID.x;
            uint rows = chunk_rows(t, c), slot = chunk_slot(t, a.chunks, c, a.streams);
            float add[BLOCK];
            FOR(i, BLOCK)
                add[i] = 0.0;
            for (uint u0 = 0u; u0 < rows; u0 += PIECE) {
                barrier();
                for (uint e = id; e < PIECE * BLOCK; e += WG) {
                    uint u = u0 + e / BLOCK, i = i0 + e % BLOCK, row = chunk_row(t, c, rows, u);
                    bool live = u < rows && i < a.dk;
                    i = min(i, a.dk - 1u);
                    xs[e] = live ? x[X_AT(row) + i] : 0.0;
                    as[e] = live ? exp(g[G_AT(row, i)]) : 1.0;
                }
                if (u0 == 0u && id < BLOCK) {
                    uint i = min(i0 + id, a.dk - 1u);
                    float sum = 0.0;
                    for (uint u = 0u; u < rows; u++)
                        sum += g[G_AT(chunk_row(t, c, rows, u), i)];
                    total[id] = sum;
                }
                barrier();
                for (uint u = 0u; u < PIECE; u++) {
                    uint row = chunk_row(t, c, rows, u0 + u);
                    float value = y[Y_AT(row) + jy];
                    if (STEP == 1u && REVERSED == 0u)
                        value *= step_[STEP_AT(row)];
                    FOR(i, BLOCK) {
                        float keep = as[u * BLOCK + i], one = xs[u * BLOCK + i] * value;
                        add[i] = REVERSED == 1u ? keep * (add[i] + one) : keep * add[i] + one;
                    }
                }
            }
            FOR(i, BLOCK) {
                if (i0 + i < a.dk && j < a.dv)
                    state[(slot * a.dk + i0 + i) * a.dv + j] = FUSED == 1u ? S[i] : add[i];
                S[i] = chunk_carry(S[i], total[i], add[i]);
            }
            uint width = CHANNELS == 1u ? a.dk : 1u;
            if (FUSED == 0u && t.slice == 0u && id < BLOCK && i0 + id < width)
                decay[slot * width + i0 + id] = total[id];
        }
        if (FUSED == 1u && a.carry != 0u)
            FOR(i, BLOCK)
                if (i0 + i < a.dk && j < a.dv)
                    last[(ends + i0 + i) * a.dv + j] = S[i];
    }
}
