#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/linear_attention/inc/linear_attention_simd.glsl"
// SIMD form: a lane owns OWN rows and takes four vec4 of columns at a time; the others of their chunk come SIMD at a
// time.
layout(binding = 1) uniform samplerBuffer pair;                // (R, H, CHUNK)
layout(binding = 2) uniform samplerBuffer other;               // (R, ld_x)
layout(binding = 3) buffer Y { vec4 result[]; };               // (R, ld_y)
PUSH_ARGS(linear_attention_local_args);
#include "shaders/linear_attention/inc/linear_attention_chunk.glsl"
#define AT_ONCE 4u

void main()
{
    span t = simd_span(Tok.images, a.heads, 1u, 1u);
    uint ld_x = a.ld_x / 4u, ld_y = a.ld_y / 4u, col_x = (a.col_x + t.h * a.head_x) / 4u;
    uint col_y = (a.col_y + t.h * a.head_y) / 4u, quads = a.width / 4u, r0 = chunk_start();
    for (uint w0 = 0u; w0 < quads + a.store; w0 += AT_ONCE) {
        vec4 acc[OWN][AT_ONCE];
        FOR(u, OWN)
            FOR(w, AT_ONCE)
                acc[u][w] = vec4(0.0);
        for (uint s0 = chunk_from(a.later); s0 < chunk_to(t, a.later); s0 += SIMD) {
            float p[OWN][SIMD];
            FOR(u, OWN)
                FOR(k, SIMD / 4u) {
                    uint row = simd_row(t, simd_own(u)) * a.heads + t.h;
                    vec4 x = texelFetch(pair, int(row * (CHUNK / 4u) + (s0 - r0) / 4u + k));
                    FOR(c, 4u)
                        p[u][4u * k + c] = x[c];
                }
            FOR(w, AT_ONCE) {
                vec4 x = vec4(1.0, 0.0, 0.0, 0.0);
                if (w0 + w < quads)
                    x = texelFetch(other, int(simd_row(t, s0 + LANE) * ld_x + col_x + w0 + w));
                FOR(j, SIMD) {
                    vec4 xj = subgroupShuffle(x, j);
                    FOR(u, OWN)
                        acc[u][w] += p[u][j] * xj;
                }
            }
        }
        FOR(u, OWN)
            FOR(w, AT_ONCE) {
                uint at = simd_row(t, simd_own(u)) * ld_y + col_y + w0 + w;
                if (simd_own(u) < t.n && w0 + w < quads + a.store)
                    result[at] = a.store == 1u ? acc[u][w] : result[at] + acc[u][w];
            }
    }
}
