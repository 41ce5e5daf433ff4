#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/linear_attention/inc/linear_attention_simd.glsl"
// SIMD form: a lane owns OWN rows; the others of their chunk come SIMD at a time. Blocks that no own row sees are left
// as they are.
layout(binding = 1) uniform samplerBuffer left;                // (R, ld_a)
layout(binding = 2) uniform samplerBuffer right;               // (R, ld_b)
layout(binding = 3) writeonly buffer P { vec4 pair[]; };       // (R, H, CHUNK)
PUSH_ARGS(linear_attention_pairs_args);
#include "shaders/linear_attention/inc/linear_attention_chunk.glsl"

void main()
{
    span t = simd_span(Tok.images, a.heads, 1u, 1u);
    uint ld_a = a.ld_a / 4u, ld_b = a.ld_b / 4u, col_a = (a.col_a + t.h * a.head_a) / 4u;
    uint col_b = (a.col_b + t.h * a.head_b) / 4u, quads = a.len / 4u, r0 = chunk_start();
    for (uint s0 = chunk_from(a.later); s0 < chunk_to(t, a.later); s0 += SIMD) {
        uint y = simd_row(t, s0 + LANE) * ld_b + col_b;
        float p[OWN][SIMD], one = 0.0;
        if (a.one == 2u)
            one = texelFetch(right, int(y + quads)).x;
        FOR(u, OWN) {
            float own = 0.0;
            if (a.one == 1u)
                own = texelFetch(left, int(simd_row(t, simd_own(u)) * ld_a + col_a + quads)).x;
            FOR(j, SIMD)
                p[u][j] = own + subgroupShuffle(one, j);
        }
        for (uint w = 0u; w < quads; w++) {
            vec4 x[OWN], b = texelFetch(right, int(y + w));
            FOR(u, OWN)
                x[u] = texelFetch(left, int(simd_row(t, simd_own(u)) * ld_a + col_a + w));
            FOR(j, SIMD) {
                vec4 bj = subgroupShuffle(b, j);
                FOR(u, OWN)
                    p[u][j] += dot(x[u], bj);
            }
        }
        FOR(u, OWN) {
            uint r = simd_own(u), at = (simd_row(t, r) * a.heads + t.h) * (CHUNK / 4u) + (s0 - r0) / 4u;
            FOR(j, SIMD) {
                uint s = s0 + j;
                if (a.later == 0u ? s > r : s < r || s >= t.n)
                    p[u][j] = 0.0;
            }
            if (r < t.n)
                FOR(k, SIMD / 4u)
                    pair[at + k] = vec4(p[u][4u * k], p[u][4u * k + 1u], p[u][4u * k + 2u], p[u][4u * k + 3u]);
        }
    }
}
