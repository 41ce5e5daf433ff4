#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/linear_attention/inc/linear_attention_simd.glsl"
// SIMD form: a lane owns OWN keys; the state's gradient comes SIMD features at a time.
layout(binding = 1) uniform samplerBuffer phi;                 // (R, H F)
layout(binding = 2) uniform samplerBuffer v;                   // (R, ld_v)
layout(binding = 3) uniform samplerBuffer dstate;              // (images H, F, D + 4)
layout(binding = 4) buffer DPhiK { vec4 dphi[]; };             // (R, H F) +=
layout(binding = 5) buffer DV    { vec4 dv[]; };               // (R, ld_v) += in the columns of the heads
PUSH_ARGS(linear_attention_args);

void main()
{
    span t = simd_span(Tok.images, a.heads, a.features, a.chunks);
    uint features = t.n == 0u ? 0u : a.features, ld = a.ld_v / 4u, col = a.col_v / 4u + t.h * W;
    vec4 x[OWN][W], acc[OWN][W];
    FOR(u, OWN)
        FOR(w, W) {
            x[u][w] = texelFetch(v, int(simd_row(t, simd_own(u)) * ld + col + w));
            acc[u][w] = vec4(0.0);
        }
    for (uint f0 = 0u; f0 < features; f0 += SIMD) {
        uint at = (t.state + min(f0 + LANE, features - 1u)) * (W + 1u);
        float p[OWN][SIMD], d[OWN][SIMD], z = texelFetch(dstate, int(at + W)).x;
        FETCH_FEATURES(p, phi, t, f0)
        FOR(j, SIMD) {
            float b = subgroupShuffle(z, j);
            FOR(u, OWN)
                d[u][j] = b;
        }
        FOR(w, W) {
            vec4 s = texelFetch(dstate, int(at + w));
            FOR(j, SIMD) {
                vec4 b = subgroupShuffle(s, j);
                FOR(u, OWN) {
                    d[u][j] += dot(x[u][w], b);
                    acc[u][w] += p[u][j] * b;
                }
            }
        }
        ADD_FEATURES(dphi, d, t, f0)
    }
    FOR(u, OWN)
        if (simd_own(u) < t.n)
            FOR(w, W)
                dv[(t.first + simd_own(u)) * ld + col + w] += acc[u][w];
}
