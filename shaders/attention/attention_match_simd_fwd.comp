#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention_match.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/attention/inc/attention_simd.glsl"
#include "shaders/attention/inc/attention_match.glsl"
// SIMD form: a lane owns OWN queries and walks the keys of its image.
layout(binding = 1) uniform samplerBuffer qkv;                 // (R, 3C)
layout(binding = 2) uniform samplerBuffer phi_q;               // (R, H F)
layout(binding = 3) uniform samplerBuffer phi_k;               // (R, H F)
layout(binding = 4) readonly  buffer Lse   { float lse[]; };   // (R, H)
layout(binding = 5) writeonly buffer Norm  { float norm[]; };  // (R, H)
layout(binding = 6) writeonly buffer Terms { vec2 terms[]; };  // (R, H) of loss and entropy
layout(constant_id = SPEC_ATTENTION_MATCH_WIDTH) const uint F = 64u;
const uint FW = F / 4u;            // vec4 of a head's features
layout(binding = 7) readonly  buffer Table { float table[]; }; // (N, H), with BIAS
PUSH_ARGS(attention_match_args);
#include "shaders/attention/inc/attention_bias.glsl"

void main()
{
    span t = simd_span(Tok.images, a.heads);
    vec4 q[OWN][W], p[OWN][FW];
    float e[OWN];
    uint place[OWN];
    vec3 sum[OWN];
    FOR(u, OWN) {
        uint row = simd_row(t, simd_own(u));
        if (BIAS != 0u)
            place[u] = bias_place(row);
        e[u] = lse[row * a.heads + t.h] * LOG2E;
        sum[u] = vec3(0.0);
        FOR(w, W)
            q[u][w] = texelFetch(qkv, int(row * t.ld + t.q + w)) * (a.scale * LOG2E);
        FOR(w, FW)
            p[u][w] = texelFetch(phi_q, int((row * a.heads + t.h) * FW + w));
    }
    for (uint j0 = 0u; j0 < t.n; j0 += BLOCK) {
        uint row = simd_row(t, j0 + LANE);
        float s[OWN][BLOCK], kappa[OWN][BLOCK];
        FOR(u, OWN)
            FOR(j, BLOCK) {
                s[u][j] = -e[u];
                kappa[u][j] = 0.0;
            }
        if (BIAS != 0u) {
            uint there = bias_place(row);
            FOR(j, BLOCK) {
                uint key = subgroupShuffle(there, j);
                FOR(u, OWN)
                    s[u][j] += bias_of(place[u], key, t.h) * LOG2E;
            }
        }
        FOR(w, W) {
            vec4 k = texelFetch(qkv, int(row * t.ld + t.k + w));
            FOR(j, BLOCK) {
                vec4 b = subgroupShuffle(k, j);
                FOR(u, OWN)
                    s[u][j] += dot(q[u][w], b);
            }
        }
        FOR(w, FW) {
            vec4 k = texelFetch(phi_k, int((row * a.heads + t.h) * FW + w));
            FOR(j, BLOCK) {
                vec4 b = subgroupShuffle(k, j);
                FOR(u, OWN)
                    kappa[u][j] += dot(p[u][w], b);
            }
        }
        FOR(j, BLOCK)
            FOR(u, OWN)
                sum[u] += j0 + j < t.n ? match_terms(kappa[u][j], s[u][j]) : vec3(0.0);
    }
    FOR(u, OWN) {
        uint i = simd_own(u), at = (t.first + i) * a.heads + t.h;
        if (i < t.n) {
            norm[at] = sum[u].x;
            terms[at] = match_row(sum[u]);
        }
    }
}
