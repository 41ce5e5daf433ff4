#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/linear_attention/inc/linear_attention_simd.glsl"
// SIMD form: a lane owns OWN queries; leaves g, and adds dphi_q.
layout(binding = 1) uniform samplerBuffer phi;                 // (R, H F)
layout(binding = 2) uniform samplerBuffer state;               // (images H, F, D + 4)
layout(binding = 3) uniform samplerBuffer y;                   // (R, H D)
layout(binding = 4) uniform samplerBuffer dy;                  // (R, H D)
layout(binding = 5)           buffer DPhiQ { vec4 dphi[]; };   // (R, H F) +=
layout(binding = 6) writeonly buffer G     { vec4 g[]; };      // (R, H (D + 4))
layout(binding = 7) uniform samplerBuffer local;               // (R, H, 4), causal: denominators of its chunk
PUSH_ARGS(linear_attention_args);

void main()
{
    span t = simd_span(Tok.images, a.heads, a.features, a.chunks);
    uint features = t.n == 0u ? 0u : a.features;
    vec4 dn[OWN][W];
    float den[OWN], dden[OWN];
    FOR(u, OWN) {
        den[u] = 0.0;
        if (CAUSAL != 0u)
            den[u] = texelFetch(local, int(simd_row(t, simd_own(u)) * a.heads + t.h)).x;
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
    }
    FOR(u, OWN) {
        uint rh = simd_row(t, simd_own(u)) * a.heads + t.h;
        float inv = 1.0 / max(den[u], LINEAR_ATTENTION_EPS), dot_y = 0.0;
        FOR(w, W) {
            dn[u][w] = texelFetch(dy, int(rh * W + w)) * inv;
            dot_y += dot(dn[u][w], texelFetch(y, int(rh * W + w)));
        }
        dden[u] = den[u] > LINEAR_ATTENTION_EPS ? -dot_y : 0.0;    // once clamped, a constant
        if (simd_own(u) < t.n) {
            FOR(w, W)
                g[rh * (W + 1u) + w] = dn[u][w];
            g[rh * (W + 1u) + W] = vec4(dden[u], 0.0, 0.0, 0.0);
        }
    }
    for (uint f0 = 0u; f0 < features; f0 += SIMD) {
        uint at = (t.state + min(f0 + LANE, features - 1u)) * (W + 1u);
        float d[OWN][SIMD], z = texelFetch(state, int(at + W)).x;
        FOR(j, SIMD) {
            float b = subgroupShuffle(z, j);
            FOR(u, OWN)
                d[u][j] = dden[u] * b;
        }
        FOR(w, W) {
            vec4 s = texelFetch(state, int(at + w));
            FOR(j, SIMD) {
                vec4 b = subgroupShuffle(s, j);
                FOR(u, OWN)
                    d[u][j] += dot(dn[u][w], b);
            }
        }
        ADD_FEATURES(dphi, d, t, f0)
    }
}
