#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention_match.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/attention/inc/attention_simd.glsl"
#include "shaders/attention/inc/attention_match.glsl"
// SIMD form: a lane owns OWN queries and walks the keys of its image, or the other way round.
layout(binding = 1) uniform samplerBuffer qkv;                 // (R, 3C)
layout(binding = 2) uniform samplerBuffer own;                 // (R, H F) features of the own side
layout(binding = 3) uniform samplerBuffer other;               // (R, H F)
layout(binding = 4) readonly buffer Lse   { float lse[]; };    // (R, H)
layout(binding = 5) readonly buffer Norm  { float norm[]; };   // (R, H)
layout(binding = 6) readonly buffer DLoss { float dloss[]; };  // (1)
layout(binding = 7)          buffer DOwn  { vec4 down[]; };    // (R, H F) +=
layout(constant_id = SPEC_ATTENTION_MATCH_WIDTH) const uint F = 64u;
layout(constant_id = SPEC_ATTENTION_MATCH_KEYS) const uint KEYS = 0u;
const uint FW = F / 4u;            // vec4 of a head's features
layout(binding = 8) readonly buffer Table { float table[]; };  // (N, H), with BIAS
PUSH_ARGS(attention_match_args);
#include "shaders/attention/inc/attention_bias.glsl"

// [log2 of the softmax's denominator, 1 / S] of the query in a row
vec2 fetch_query(span t, uint row)
{
    return vec2(lse[row * a.heads + t.h] * LOG2E, 1.0 / norm[row * a.heads + t.h]);
}

void main()
{
    span t = simd_span(Tok.images, a.heads);
    uint col_own = KEYS == 0u ? t.q : t.k, col_other = KEYS == 0u ? t.k : t.q;
    vec4 x[OWN][W], p[OWN][FW], acc[OWN][FW];
    vec2 mine[OWN];
    uint place[OWN];
    FOR(u, OWN) {
        uint row = simd_row(t, simd_own(u));
        if (BIAS != 0u)
            place[u] = bias_place(row);
        if (KEYS == 0u)
            mine[u] = fetch_query(t, row);
        FOR(w, W)
            x[u][w] = texelFetch(qkv, int(row * t.ld + col_own + w)) * (a.scale * LOG2E);
        FOR(w, FW) {
            p[u][w] = texelFetch(own, int((row * a.heads + t.h) * FW + w));
            acc[u][w] = vec4(0.0);
        }
    }
    for (uint j0 = 0u; j0 < t.n; j0 += BLOCK) {
        uint row = simd_row(t, j0 + LANE);
        vec2 theirs = vec2(0.0);
        if (KEYS == 1u)
            theirs = fetch_query(t, row);
        float s[OWN][BLOCK], kappa[OWN][BLOCK];
        vec4 f[FW];
        FOR(u, OWN)
            FOR(j, BLOCK)
                s[u][j] = kappa[u][j] = 0.0;
        if (BIAS != 0u) {
            uint there = bias_place(row);
            FOR(j, BLOCK) {
                uint his = subgroupShuffle(there, j);
                FOR(u, OWN)
                    s[u][j] = bias_of(KEYS == 0u ? place[u] : his, KEYS == 0u ? his : place[u], t.h) * LOG2E;
            }
        }
        FOR(w, W) {
            vec4 k = texelFetch(qkv, int(row * t.ld + col_other + w));
            FOR(j, BLOCK) {
                vec4 b = subgroupShuffle(k, j);
                FOR(u, OWN)
                    s[u][j] += dot(x[u][w], b);
            }
        }
        FOR(w, FW) {
            f[w] = texelFetch(other, int((row * a.heads + t.h) * FW + w));
            FOR(j, BLOCK) {
                vec4 b = subgroupShuffle(f[w], j);
                FOR(u, OWN)
                    kappa[u][j] += dot(p[u][w], b);
            }
        }
        FOR(j, BLOCK) {
            vec2 his = subgroupShuffle(theirs, j);
            FOR(u, OWN) {
                vec2 e = KEYS == 0u ? mine[u] : his;
                s[u][j] = j0 + j < t.n ? match_gradient(kappa[u][j], s[u][j] - e.x, e.y) : 0.0;
            }
        }
        FOR(w, FW)
            FOR(j, BLOCK) {
                vec4 b = subgroupShuffle(f[w], j);
                FOR(u, OWN)
                    acc[u][w] += s[u][j] * b;
            }
    }
    float g = dloss[0] / (float(Tok.n) * float(a.heads));
    FOR(u, OWN) {
        uint i = simd_own(u);
        if (i < t.n)
            FOR(w, FW)
                down[((t.first + i) * a.heads + t.h) * FW + w] += g * acc[u][w];
    }
}
