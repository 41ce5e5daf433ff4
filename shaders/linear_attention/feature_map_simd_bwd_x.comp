#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/feature_map.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/linear_attention/inc/feature_map_simd.glsl"
// SIMD form of Hedgehog: a lane owns OWN rows; leaves du, and adds dx.
ROWS(0, Tok);
layout(binding = 1) uniform samplerBuffer w;                   // (H, D, D)
layout(binding = 2) uniform samplerBuffer phi;                 // (R, H 2D)
layout(binding = 3) uniform samplerBuffer dphi;                // (R, H 2D)
layout(binding = 4)           buffer DX { vec4 dx[]; };        // (R, ld) += in the columns of the heads
layout(binding = 5) writeonly buffer DU { vec4 du[]; };        // (R, H D)
PUSH_ARGS(feature_map_args);

void rows_gradient(uint r0, uint h)
{
    vec4 g[OWN][V];
    FOR(o, OWN) {
        uint rh = OWN_ROW(r0, o) * a.heads + h, at = rh * 2u * V;
        vec4 p[V], m[V];
        float dot_p = 0.0, dot_m = 0.0;
        FOR(f, V) {
            p[f] = texelFetch(phi, int(at + f));
            m[f] = texelFetch(phi, int(at + V + f));
            vec4 s = p[f] * texelFetch(dphi, int(at + f)), t = m[f] * texelFetch(dphi, int(at + V + f));
            dot_p += (s.x + s.y) + (s.z + s.w);
            dot_m += (t.x + t.y) + (t.z + t.w);
            g[o][f] = s - t;
        }
        FOR(f, V)
            g[o][f] += m[f] * dot_m - p[f] * dot_p;
        if (IS_OWN(r0, o))
            FOR(f, V)
                du[rh * V + f] = g[o][f];
    }
    for (uint d0 = 0u; d0 < D; d0 += SIMD) {
        uint at = (h * D + min(d0 + LANE, D - 1u)) * V;
        float s[OWN][SIMD];
        FOR(o, OWN)
            FOR(j, SIMD)
                s[o][j] = 0.0;
        FOR(f, V) {
            vec4 t = texelFetch(w, int(at + f));
            FOR(j, SIMD) {
                vec4 b = subgroupShuffle(t, j);
                FOR(o, OWN)
                    s[o][j] += dot(g[o][f], b);
            }
        }
        FOR(o, OWN)
            if (IS_OWN(r0, o))
                FOR(k, SIMD / 4u)
                    if (d0 + 4u * k < D)
                        dx[OWN_ROW(r0, o) * (a.ld / 4u) + a.col0 / 4u + h * V + d0 / 4u + k] +=
                            vec4(s[o][4u * k], s[o][4u * k + 1u], s[o][4u * k + 2u], s[o][4u * k + 3u]);
    }
}

void main()
{
    const uint tile = OWN * SIMD;
    for (uint r0 = gl_WorkGroupID.x * tile; r0 < Tok.n; r0 += gl_NumWorkGroups.x * tile)
        rows_gradient(r0, gl_WorkGroupID.y);
}
