#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_basic : require
#include "shaders/attention/attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/attention/inc/attention_simd.glsl"
// SIMD form: the gradient of the table of relative positions, of some images and one head. A lane owns OWN keys at a
// time and all walk the queries together: of one query no two keys that are patches have the same row of the table.
layout(binding = 1) uniform samplerBuffer qkv;                 // (R, (H + 2 KV) D)
layout(binding = 2) readonly buffer Lse   { float lse[]; };    // (R, H)
layout(binding = 3) uniform samplerBuffer dout;                // (R, C)
layout(binding = 4) readonly buffer Delta { float delta[]; };  // (R, H)
layout(binding = 5) readonly buffer Table { float table[]; };  // (N, H)
layout(binding = 6) coherent buffer Part  { float part[]; };   // (parts, N, H)
PUSH_ARGS(attention_bwd_bias_args);
#include "shaders/attention/inc/attention_bias.glsl"
#include "shaders/attention/inc/attention_bwd_bias.glsl"

// All pairs of an image whose queries are of this launch.
void walk(span t)
{
    for (uint k0 = 0u; k0 < t.n; k0 += OWN * BLOCK) {
        vec4 k[OWN][W], v[OWN][W];
        uint place[OWN];
        FOR(u, OWN) {
            uint row = simd_row(t, k0 + u * BLOCK + LANE);
            place[u] = bias_place(row);
            FOR(w, W) {
                k[u][w] = texelFetch(qkv, int(row * t.ld + t.k + w)) * (a.scale * LOG2E);
                v[u][w] = texelFetch(qkv, int(row * t.ld + t.v + w));
            }
        }
        for (uint i = a.first; i < min(a.last, t.n); i++) {
            uint row = t.first + i, query = bias_place(row);
            float p[OWN], ds[OWN], e = lse[row * a.heads + t.h] * LOG2E, dl = delta[row * a.heads + t.h];
            FOR(u, OWN) {
                p[u] = bias_of(query, place[u], t.h) * LOG2E;
                ds[u] = 0.0;
            }
            FOR(w, W) {
                vec4 q = texelFetch(qkv, int(row * t.ld + t.q + w));
                vec4 g = texelFetch(dout, int(row * t.ldo + t.o + w));
                FOR(u, OWN) {
                    p[u] += dot(k[u][w], q);
                    ds[u] += dot(v[u][w], g);
                }
            }
            FOR(u, OWN)
                if (k0 + u * BLOCK + LANE < t.n)
                    add_pair(query, place[u], t.h, exp2(p[u] - e) * (ds[u] - dl));
            subgroupMemoryBarrierBuffer();
            subgroupBarrier();
        }
    }
}

void main()
{
    span t = simd_span(Tok.images, a.heads);
    clear_part(t.h);
    subgroupMemoryBarrierBuffer();
    subgroupBarrier();
    for (uint b = gl_WorkGroupID.z; b < Tok.images; b += a.parts) {
        t.first = ROWS_OFFSET(Tok, b);
        t.n = ROWS_OFFSET(Tok, b + 1u) - t.first;
        walk(t);
    }
    FOR(c, 3u) {
        float sum = 0.0;
        FOR(j, BLOCK)
            sum += subgroupShuffle(beside[c], j);
        if (LANE == 0u)
            add_beside(c, t.h, sum);
    }
}
