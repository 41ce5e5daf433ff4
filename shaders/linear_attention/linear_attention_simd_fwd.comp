#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/linear_attention/inc/linear_attention_simd.glsl"
// SIMD form: a lane owns OWN queries; the state comes SIMD features at a time.
layout(binding = 1) uniform samplerBuffer phi;                 // (R, H F)
layout(binding = 2) uniform samplerBuffer state;               // (images H, F, D + 4)
layout(binding = 3) writeonly buffer Y { vec4 y[]; };          // (R, H D)
layout(binding = 4) uniform samplerBuffer local;               // (R, H, D + 4), causal: what its chunk gives
PUSH_ARGS(linear_attention_args);

void main()
{
    span t = simd_span(Tok.images, a.heads, a.features, a.chunks);
    uint features = t.n == 0u ? 0u : a.features;
    vec4 acc[OWN][W];
    float den[OWN];
    FOR(u, OWN) {
        den[u] = 0.0;
        FOR(w, W)
            acc[u][w] = vec4(0.0);
        if (CAUSAL != 0u) {
            uint at = (simd_row(t, simd_own(u)) * a.heads + t.h) * (W + 1u);
            den[u] = texelFetch(local, int(at + W)).x;
            FOR(w, W)
                acc[u][w] = texelFetch(local, int(at + w));
        }
    }
    for (uint f0 = 0u; f0 < features; f0 += SIMD) {
        uint at = (t.state + min(f0 + LANE, features - 1u)) * (W + 1u);
        float p[OWN][SIMD], z = texelFetch(state, int(at + W)).x;
        FETCH_FEATURES(p, phi, t, f0)
        FOR(j, SIMD) {
            float b = subgroupShuffle(z, j);
            FOR(u, OWN)
                den[u] += p[u][j] * b;
        }
        FOR(w, W) {
            vec4 s = texelFetch(state, int(at + w));
            FOR(j, SIMD) {
                vec4 b = subgroupShuffle(s, j);
                FOR(u, OWN)
                    acc[u][w] += p[u][j] * b;
            }
        }
    }
    FOR(u, OWN)
        if (simd_own(u) < t.n) {
            float inv = 1.0 / max(den[u], LINEAR_ATTENTION_EPS);
            FOR(w, W)
                y[((t.first + simd_own(u)) * a.heads + t.h) * W + w] = acc[u][w] * inv;
        }
}
