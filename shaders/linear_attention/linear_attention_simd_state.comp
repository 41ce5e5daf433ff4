#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/linear_attention/inc/linear_attention_simd.glsl"
// SIMD form: a lane owns four features; tokens come SIMD at a time. Images and chunks that are not live get zeros.
layout(binding = 1) uniform samplerBuffer phi;                 // (R, H F)
layout(binding = 2) uniform samplerBuffer v;                   // (R, ld_b)
layout(binding = 3) writeonly buffer S { vec4 state[]; };      // (images H, F, D + 4)
PUSH_ARGS(linear_attention_state_args);

void main()
{
    uint chunk = gl_WorkGroupID.x % a.chunks;
    span t = simd_image(Tok.images, a.heads, a.features, a.chunks, chunk);
    uint before = min(chunk * a.rows, t.n);
    t.first += before;
    t.n = min(t.n - before, a.rows);
    uint f4 = gl_WorkGroupID.x / a.chunks * SIMD + LANE, quads = a.features / 4u;
    uint ld = a.ld_b / 4u, col = a.col_b / 4u + t.h * (a.head_b / 4u);
    bool has_last = a.head_b > D;
    vec4 acc[4][W + 1u];
    FOR(k, 4u)
        FOR(w, W + 1u)
            acc[k][w] = vec4(0.0);
    for (uint r = 0u; r < t.n; r += SIMD) {
        uint at = simd_row(t, r + LANE) * ld + col;
        vec4 p[SIMD], last = vec4(1.0, 0.0, 0.0, 0.0);
        if (has_last)
            last = texelFetch(v, int(at + W));
        FOR(j, SIMD) {
            p[j] = texelFetch(phi, int((simd_row(t, r + j) * a.heads + t.h) * quads + min(f4, quads - 1u)));
            if (r + j >= t.n)
                p[j] = vec4(0.0);
        }
        FOR(w, W + 1u) {
            vec4 x = last;
            if (w < W)
                x = texelFetch(v, int(at + w));
            FOR(j, SIMD) {
                vec4 b = subgroupShuffle(x, j);
                FOR(k, 4u)
                    acc[k][w] += p[j][k] * b;
            }
        }
    }
    if (f4 < quads)
        FOR(k, 4u)
            FOR(w, W + 1u)
                state[(t.state + 4u * f4 + k) * (W + 1u) + w] = acc[k][w];
}
