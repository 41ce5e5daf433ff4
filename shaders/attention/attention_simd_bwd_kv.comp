#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/attention/inc/attention_simd.glsl"
// SIMD form: a lane owns OWN keys and walks the queries of its image, query head after query head of its group.
layout(binding = 1) uniform samplerBuffer qkv;                 // (R, (H + 2 KV) D)
layout(binding = 2) readonly buffer Lse   { float lse[]; };    // (R, H)
layout(binding = 3) uniform samplerBuffer dout;                // (R, C)
layout(binding = 4) readonly buffer Delta { float delta[]; };  // (R, H)
layout(binding = 5)          buffer DQkv  { vec4 dqkv[]; };    // as qkv; += in the columns of k and v
layout(binding = 6) readonly buffer Table { float table[]; };  // (N, H), with BIAS
PUSH_ARGS(attention_bwd_kv_args);
#include "shaders/attention/inc/attention_bias.glsl"

void main()
{
    span t = simd_span_of(Tok.images, a.heads, gl_WorkGroupID.y * GROUP);
    vec4 k[OWN][W], v[OWN][W], dk[OWN][W], dv[OWN][W];
    uint place[OWN];
    FOR(u, OWN) {
        uint at = simd_row(t, simd_own(u)) * t.ld;
        if (BIAS != 0u)
            place[u] = bias_place(simd_row(t, simd_own(u)));
        FOR(w, W) {
            k[u][w] = texelFetch(qkv, int(at + t.k + w)) * (a.scale * LOG2E);
            v[u][w] = texelFetch(qkv, int(at + t.v + w));
            dk[u][w] = dv[u][w] = vec4(0.0);
        }
    }
    for (uint h = t.h + a.first_head; h < t.h + a.last_head; h++)
        for (uint i0 = simd_first_query(); i0 < t.n; i0 += BLOCK) {
            uint row = simd_row(t, i0 + LANE);
            float e = lse[row * a.heads + h] * LOG2E, dl = delta[row * a.heads + h];
            vec4 q[W], g[W];
            uint there = 0u;
            if (BIAS != 0u)
                there = bias_place(row);
            FOR(w, W) {
                q[w] = texelFetch(qkv, int(row * t.ld + h * W + w));
                g[w] = texelFetch(dout, int(row * t.ldo + h * W + w));
            }
            FOR(i, BLOCK) {
                vec4 qi[W], gi[W];
                float p[OWN], ds[OWN], ei = subgroupShuffle(e, i), dli = subgroupShuffle(dl, i);
                FOR(u, OWN)
                    p[u] = ds[u] = 0.0;
                if (BIAS != 0u) {
                    uint query = subgroupShuffle(there, i);
                    FOR(u, OWN)
                        p[u] = bias_of(query, place[u], h) * LOG2E;
                }
                FOR(w, W) {
                    qi[w] = subgroupShuffle(q[w], i);
                    gi[w] = subgroupShuffle(g[w], i);
                    FOR(u, OWN) {
                        p[u] += dot(k[u][w], qi[w]);
                        ds[u] += dot(v[u][w], gi[w]);
                    }
                }
                FOR(u, OWN) {
                    p[u] = i0 + i < t.n && (CAUSAL == 0u || simd_own(u) <= i0 + i) ? exp2(p[u] - ei) : 0.0;
                    ds[u] = p[u] * (ds[u] - dli);
                }
                FOR(w, W)
                    FOR(u, OWN) {
                        dv[u][w] += p[u] * gi[w];
                        dk[u][w] += ds[u] * qi[w];
                    }
            }
        }
    FOR_VEC4(w)
        FOR(u, OWN) {
            uint j = simd_own(u), at = (t.first + j) * t.ld + w;
            if (j < t.n) {
                dqkv[at + t.k] += a.scale * dk[u][0];
                dqkv[at + t.v] += dv[u][0];
            }
            NEXT_VEC4(dk[u]);
            NEXT_VEC4(dv[u]);
        }
}
