#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/attention/inc/attention_simd.glsl"
// SIMD form: a lane owns OWN queries. Also leaves delta for the kernel that makes dk and dv.
layout(binding = 1) uniform samplerBuffer qkv;                 // (R, (H + 2 KV) D)
layout(binding = 2) uniform samplerBuffer o;                   // (R, C)
layout(binding = 3) readonly  buffer Lse   { float lse[]; };   // (R, H)
layout(binding = 4) uniform samplerBuffer dout;                // (R, C)
layout(binding = 5)           buffer DQkv  { vec4 dqkv[]; };   // as qkv; += in the columns of q
layout(binding = 6) writeonly buffer Delta { float delta[]; }; // (R, H)
layout(binding = 7) readonly  buffer Table { float table[]; }; // (N, H), with BIAS
PUSH_ARGS(attention_args);
#include "shaders/attention/inc/attention_bias.glsl"

void main()
{
    span t = simd_span(Tok.images, a.heads);
    vec4 q[OWN][W], g[OWN][W], dq[OWN][W];
    float e[OWN], dl[OWN];
    uint place[OWN];
    FOR(u, OWN) {
        uint row = simd_row(t, simd_own(u));
        if (BIAS != 0u)
            place[u] = bias_place(row);
        e[u] = lse[row * a.heads + t.h] * LOG2E;
        dl[u] = 0.0;
        FOR(w, W) {
            q[u][w] = texelFetch(qkv, int(row * t.ld + t.q + w)) * (a.scale * LOG2E);
            g[u][w] = texelFetch(dout, int(row * t.ldo + t.o + w));
            dl[u] += dot(g[u][w], texelFetch(o, int(row * t.ldo + t.o + w)));
            dq[u][w] = vec4(0.0);
        }
    }
    for (uint j0 = 0u; j0 < simd_keys(t); j0 += BLOCK) {
        uint at = simd_row(t, j0 + LANE) * t.ld;
        vec4 k[W], v[W];
        uint there = 0u;
        if (BIAS != 0u)
            there = bias_place(simd_row(t, j0 + LANE));
        FOR(w, W) {
            k[w] = texelFetch(qkv, int(at + t.k + w));
            v[w] = texelFetch(qkv, int(at + t.v + w));
        }
        FOR(j, BLOCK) {
            vec4 kj[W];
            float s[OWN], dp[OWN];
            FOR(u, OWN)
                s[u] = dp[u] = 0.0;
            if (BIAS != 0u) {
                uint key = subgroupShuffle(there, j);
                FOR(u, OWN)
                    s[u] = bias_of(place[u], key, t.h) * LOG2E;
            }
            FOR(w, W) {
                vec4 vj = subgroupShuffle(v[w], j);
                kj[w] = subgroupShuffle(k[w], j);
                FOR(u, OWN) {
                    s[u] += dot(q[u][w], kj[w]);
                    dp[u] += dot(g[u][w], vj);
                }
            }
            FOR(u, OWN)
                s[u] = simd_sees(t, simd_own(u), j0 + j) ? exp2(s[u] - e[u]) * (dp[u] - dl[u]) : 0.0;
            FOR(w, W)
                FOR(u, OWN)
                    dq[u][w] += s[u] * kj[w];
        }
    }
    FOR(u, OWN)
        if (simd_own(u) < t.n)
            delta[(t.first + simd_own(u)) * a.heads + t.h] = dl[u];
    FOR_VEC4(w)
        FOR(u, OWN) {
            uint i = simd_own(u), row = t.first + i;
            if (i < t.n)
                dqkv[row * t.ld + t.q + w] += a.scale * dq[u][0];
            NEXT_VEC4(dq[u]);
        }
}
