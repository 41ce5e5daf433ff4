#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention_match.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/attention/inc/attention_tile.glsl"
#include "shaders/attention/inc/attention_match.glsl"
// Tiled form: one workgroup a tile of 32 queries walks the keys of its image, or the other way round.
ROWS(0, Tok);
layout(binding = 1) readonly buffer Qkv   { float qkv[]; };    // (R, 3C)
layout(binding = 2) readonly buffer Own   { float own[]; };    // (R, H F) features of the own side
layout(binding = 3) readonly buffer Other { float other[]; };  // (R, H F)
layout(binding = 4) readonly buffer Lse   { float lse[]; };    // (R, H)
layout(binding = 5) readonly buffer Norm  { float norm[]; };   // (R, H)
layout(binding = 6) readonly buffer DLoss { float dloss[]; };  // (1)
layout(binding = 7)          buffer DOwn  { float down[]; };   // (R, H F) +=
layout(constant_id = SPEC_ATTENTION_MATCH_WIDTH) const uint HEAD = 32u;
layout(constant_id = SPEC_ATTENTION_MATCH_KEYS) const uint KEYS = 0u;
layout(binding = 8) readonly buffer Table { float table[]; };  // (N, H), with BIAS
PUSH_ARGS(attention_match_args);
#include "shaders/attention/inc/attention_bias.glsl"

void main()
{
    uint h = gl_WorkGroupID.y, C = a.heads * HEAD, ld = 3u * C, ldf = a.heads * D;
    if (gl_WorkGroupID.z >= Tok.images)
        return;
    uint r0 = ROWS_OFFSET(Tok, gl_WorkGroupID.z), end = ROWS_OFFSET(Tok, gl_WorkGroupID.z + 1u);
    uint o0 = r0 + gl_WorkGroupID.x * TILE, col = h * HEAD;
    if (o0 >= end)
        return;
    vec4 acc[ACC];
    [[unroll]] for (uint u = 0u; u < ACC; u++)
        acc[u] = vec4(0.0);
    float g = dloss[0] / (float(Tok.n) * float(a.heads));
    for (uint t0 = r0; t0 < end; t0 += TILE) {
        vec4 s[4] = { vec4(0.0), vec4(0.0), vec4(0.0), vec4(0.0) }, kappa[4] = s;
        for (uint sl = 0u; sl < (HEAD + SLICE - 1u) / SLICE; sl++) {
            barrier();
            LOAD_TILE_OF(HEAD, tile_a, qkv, o0, end, ld, col + KEYS * C, sl)
            LOAD_TILE_OF(HEAD, tile_b, qkv, t0, end, ld, col + (1u - KEYS) * C, sl)
            barrier();
            tile_dot(s);
        }
        for (uint sl = 0u; sl < SLICES; sl++) {
            barrier();
            LOAD_TILE(tile_a, own, o0, end, ldf, h * D, sl)
            LOAD_TILE(tile_b, other, t0, end, ldf, h * D, sl)
            barrier();
            tile_dot(kappa);
        }
        [[unroll]] for (uint i = 0u; i < 4u; i++) {
            vec4 w = vec4(0.0);
            [[unroll]] for (uint j = 0u; j < 4u; j++) {
                uint query = min(KEYS == 0u ? o0 + TY + 8u * i : t0 + TX + 8u * j, end - 1u) * a.heads + h;
                float x = s[i][j] * (a.scale * LOG2E);
                if (BIAS != 0u) {
                    uint mine = bias_place(min(o0 + TY + 8u * i, end - 1u));
                    uint his = bias_place(min(t0 + TX + 8u * j, end - 1u));
                    x += bias_of(KEYS == 0u ? mine : his, KEYS == 0u ? his : mine, h) * LOG2E;
                }
                if (t0 + TX + 8u * j < end)
                    w[j] = g * match_gradient(kappa[i][j], x - lse[query] * LOG2E, 1.0 / norm[query]);
            }
            tile_p[(TY + 8u * i) * 9u + TX] = w;
        }
        barrier();
        [[unroll]] for (uint sl = 0u; sl < SLICES; sl++) {
            if (SLICES > 1u) {     // with one slice, tile_b still holds the features
                barrier();
                LOAD_TILE(tile_b, other, t0, end, ldf, h * D, sl)
                barrier();
            }
            MAC_SLICE(acc, sl)
        }
    }
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
        uint row = o0 + TY + 8u * i;
        if (row < end)
            FOR_OWNED(acc, i, y, f, down[row * ldf + h * D + f] += y)
    }
}
