#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/feature_map.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/linear_attention/inc/feature_map_simd.glsl"
// SIMD form of Hedgehog: a lane sums four columns of dw[h] over one part of the live rows, in order; rows
// come SIMD at a time.
ROWS(0, Tok);
layout(binding = 1) uniform samplerBuffer x;                   // (R, ld)
layout(binding = 2) uniform samplerBuffer du;                  // (R, H D)
layout(binding = 3) writeonly buffer Part { vec4 part[]; };    // (splits, H, D, D)
PUSH_ARGS(feature_map_args);

void main()
{
    uint h = gl_WorkGroupID.y, f4 = gl_WorkGroupID.z * SIMD + LANE;
    uint rows = (Tok.n + a.splits - 1u) / a.splits;
    uint r0 = gl_WorkGroupID.x * rows, end = min(r0 + rows, Tok.n);
    vec4 acc[4][V];
    FOR(k, 4u)
        FOR(d, V)
            acc[k][d] = vec4(0.0);
    for (uint r = r0; r < end; r += SIMD) {
        uint at = min(r + LANE, end - 1u) * (a.ld / 4u) + a.col0 / 4u + h * V;
        vec4 g[SIMD];
        FOR(j, SIMD) {
            g[j] = texelFetch(du, int((min(r + j, end - 1u) * a.heads + h) * V + min(f4, V - 1u)));
            if (r + j >= end)
                g[j] = vec4(0.0);
        }
        FOR(d, V) {
            vec4 y = texelFetch(x, int(at + d));
            FOR(j, SIMD) {
                vec4 b = subgroupShuffle(y, j);
                FOR(k, 4u)
                    acc[k][d] += g[j][k] * b;
            }
        }
    }
    if (f4 < V)
        FOR(d, V)
            FOR(c, 4u)
                part[((gl_WorkGroupID.x * a.heads + h) * D + 4u * d + c) * V + f4] =
                    vec4(acc[0][d][c], acc[1][d][c], acc[2][d][c], acc[3][d][c]);
}
