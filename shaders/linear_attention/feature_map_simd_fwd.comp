#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/feature_map.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/linear_attention/inc/feature_map_simd.glsl"
// SIMD form of Hedgehog: a lane owns OWN rows; w comes SIMD rows at a time.
ROWS(0, Tok);
layout(binding = 1) uniform samplerBuffer x;                   // (R, ld)
layout(binding = 2) uniform samplerBuffer w;                   // (H, D, D)
layout(binding = 3) writeonly buffer Phi { vec4 phi[]; };      // (R, H 2D)
PUSH_ARGS(feature_map_args);

void rows_features(uint r0, uint h)
{
    vec4 u[OWN][V];
    FOR(o, OWN)
        FOR(f, V)
            u[o][f] = vec4(0.0);
    for (uint d0 = 0u; d0 < D; d0 += SIMD) {
        uint at = (h * D + min(d0 + LANE, D - 1u)) * V;
        float y[OWN][SIMD];
        FOR(o, OWN)
            FOR(k, SIMD / 4u) {
                vec4 t = texelFetch(x, int(OWN_ROW(r0, o) * (a.ld / 4u) + a.col0 / 4u + h * V +
                                           min(d0 / 4u + k, V - 1u)));
                FOR(c, 4u)
                    y[o][4u * k + c] = d0 + 4u * k < D ? t[c] : 0.0;
            }
        FOR(f, V) {
            vec4 s = texelFetch(w, int(at + f));
            FOR(j, SIMD) {
                vec4 b = subgroupShuffle(s, j);
                FOR(o, OWN)
                    u[o][f] += y[o][j] * b;
            }
        }
    }
    FOR(o, OWN) {
        vec4 top4 = u[o][0], low4 = top4, p = vec4(0.0), m = vec4(0.0);
        FOR(f, V) {
            top4 = max(top4, u[o][f]);
            low4 = min(low4, u[o][f]);
        }
        float top = max(max(top4.x, top4.y), max(top4.z, top4.w));
        float low = min(min(low4.x, low4.y), min(low4.z, low4.w));
        FOR(f, V) {
            p += exp(u[o][f] - top);
            m += exp(low - u[o][f]);
        }
        float ip = 1.0 / ((p.x + p.y) + (p.z + p.w)), im = 1.0 / ((m.x + m.y) + (m.z + m.w));
        uint at = (OWN_ROW(r0, o) * a.heads + h) * 2u * V;
        if (IS_OWN(r0, o))
            FOR(f, V) {
                phi[at + f] = exp(u[o][f] - top) * ip;
                phi[at + V + f] = exp(low - u[o][f]) * im;
            }
    }
}

void main()
{
    const uint tile = OWN * SIMD;
    for (uint r0 = gl_WorkGroupID.x * tile; r0 < Tok.n; r0 += gl_NumWorkGroups.x * tile)
        rows_features(r0, gl_WorkGroupID.y);
}
