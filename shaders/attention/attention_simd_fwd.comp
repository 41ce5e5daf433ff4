#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/attention/inc/attention_simd.glsl"
// SIMD form: a lane owns OWN queries; online softmax over blocks of keys.
layout(binding = 1) uniform samplerBuffer qkv;                 // (R, (H + 2 KV) D)
layout(binding = 2) writeonly buffer O   { vec4 o[]; };        // (R, C)
layout(binding = 3) writeonly buffer Lse { float lse[]; };     // (R, H)
layout(binding = 4) readonly  buffer Table { float table[]; }; // (N, H), with BIAS
PUSH_ARGS(attention_args);
#include "shaders/attention/inc/attention_bias.glsl"

void main()
{
    span t = simd_span(Tok.images, a.heads);
    vec4 q[OWN][W], acc[OWN][W];
    float m[OWN], l[OWN];
    uint place[OWN];
    FOR(u, OWN) {
        uint at = simd_row(t, simd_own(u)) * t.ld + t.q;
        if (BIAS != 0u)
            place[u] = bias_place(simd_row(t, simd_own(u)));
        m[u] = -1.7014117e38;
        l[u] = 0.0;
        FOR(w, W) {
            q[u][w] = texelFetch(qkv, int(at + w)) * (a.scale * LOG2E);    // scores in base 2
            acc[u][w] = vec4(0.0);
        }
    }
    for (uint j0 = 0u; j0 < simd_keys(t); j0 += BLOCK) {
        uint at = simd_row(t, j0 + LANE) * t.ld;
        vec4 k[W], v[W];
        FOR(w, W) {
            k[w] = texelFetch(qkv, int(at + t.k + w));
            v[w] = texelFetch(qkv, int(at + t.v + w));
        }
        float s[OWN][BLOCK];
        uint there = 0u;
        if (BIAS != 0u)
            there = bias_place(simd_row(t, j0 + LANE));
        FOR(j, BLOCK) {
            FOR(u, OWN)
                s[u][j] = 0.0;
            if (BIAS != 0u) {
                uint key = subgroupShuffle(there, j);
                FOR(u, OWN)
                    s[u][j] = bias_of(place[u], key, t.h) * LOG2E;
            }
            FOR(w, W) {
                vec4 b = subgroupShuffle(k[w], j);
                FOR(u, OWN)
                    s[u][j] += dot(q[u][w], b);
            }
        }
        FOR(u, OWN) {
            float top = m[u];
            FOR(j, BLOCK) {
                if (CAUSAL != 0u && !simd_sees(t, simd_own(u), j0 + j))
                    s[u][j] = -1.7014117e38;
                top = max(top, s[u][j]);   // a repeated last key does not change the maximum
            }
            float keep = exp2(m[u] - top);
            m[u] = top;
            l[u] *= keep;
            FOR(j, BLOCK) {
                s[u][j] = simd_sees(t, simd_own(u), j0 + j) ? exp2(s[u][j] - top) : 0.0;
                l[u] += s[u][j];
            }
            FOR(w, W)
                acc[u][w] *= keep;
        }
        FOR(j, BLOCK)
            FOR(w, W) {
                vec4 b = subgroupShuffle(v[w], j);
                FOR(u, OWN)
                    acc[u][w] += s[u][j] * b;
            }
    }
    FOR_VEC4(w)
        FOR(u, OWN) {
            uint i = simd_own(u), row = t.first + i;
            if (i < t.n)
                o[row * t.ldo + t.o + w] = acc[u][0] / l[u];
            NEXT_VEC4(acc[u]);
        }
    FOR(u, OWN) {
        uint i = simd_own(u), row = t.first + i;
        float e = log2(l[u]);
        e += (l[u] * exp2(-e) - 1.0) * LOG2E;          // one Newton step: log2 alone may be off by 2^-21
        if (i < t.n)
            lse[row * a.heads + t.h] = (m[u] + e) * LN2;
    }
}
