#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention_match.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/attention/inc/attention_tile.glsl"
#include "shaders/attention/inc/attention_match.glsl"
// Tiled form: one workgroup a tile of 32 queries walks the keys of its image.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer Qkv   { float qkv[]; };   // (R, 3C)
layout(binding = 2) readonly  buffer PhiQ  { float phi_q[]; }; // (R, H F)
layout(binding = 3) readonly  buffer PhiK  { float phi_k[]; }; // (R, H F)
layout(binding = 4) readonly  buffer Lse   { float lse[]; };   // (R, H)
layout(binding = 5) writeonly buffer Norm  { float norm[]; };  // (R, H)
layout(binding = 6) writeonly buffer Terms { vec2 terms[]; };  // (R, H) of loss and entropy
layout(constant_id = SPEC_ATTENTION_MATCH_WIDTH) const uint HEAD = 32u;
layout(binding = 7) readonly  buffer Table { float table[]; }; // (N, H), with BIAS
PUSH_ARGS(attention_match_args);
#include "shaders/attention/inc/attention_bias.glsl"

void main()
{
    uint h = gl_WorkGroupID.y, C = a.heads * HEAD, ld = 3u * C, ldf = a.heads * D;
    if (gl_WorkGroupID.z >= Tok.images)
        return;
    uint r0 = ROWS_OFFSET(Tok, gl_WorkGroupID.z), end = ROWS_OFFSET(Tok, gl_WorkGroupID.z + 1u);
    uint q0 = r0 + gl_WorkGroupID.x * TILE;
    if (q0 >= end)
        return;
    float e[4];
    uint query[4];
    vec3 sum[4];                   // of this invocation's columns, summed over x at the end
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
        e[i] = lse[min(q0 + TY + 8u * i, end - 1u) * a.heads + h] * LOG2E;
        sum[i] = vec3(0.0);
        if (BIAS != 0u)
            query[i] = bias_place(min(q0 + TY + 8u * i, end - 1u));
    }
    for (uint k0 = r0; k0 < end; k0 += TILE) {
        vec4 s[4] = { vec4(0.0), vec4(0.0), vec4(0.0), vec4(0.0) }, kappa[4] = s;
        for (uint sl = 0u; sl < (HEAD + SLICE - 1u) / SLICE; sl++) {
            barrier();
            LOAD_TILE_OF(HEAD, tile_a, qkv, q0, end, ld, h * HEAD, sl)
            LOAD_TILE_OF(HEAD, tile_b, qkv, k0, end, ld, C + h * HEAD, sl)
            barrier();
            tile_dot(s);
        }
        for (uint sl = 0u; sl < SLICES; sl++) {
            barrier();
            LOAD_TILE(tile_a, phi_q, q0, end, ldf, h * D, sl)
            LOAD_TILE(tile_b, phi_k, k0, end, ldf, h * D, sl)
            barrier();
            tile_dot(kappa);
        }
        [[unroll]] for (uint i = 0u; i < 4u; i++)
            [[unroll]] for (uint j = 0u; j < 4u; j++)
                if (k0 + TX + 8u * j < end) {
                    float x = s[i][j] * (a.scale * LOG2E);
                    if (BIAS != 0u)
                        x += bias_of(query[i], bias_place(k0 + TX + 8u * j), h) * LOG2E;
                    sum[i] += match_terms(kappa[i][j], x - e[i]);
                }
    }
    [[unroll]] for (uint i = 0u; i < 4u; i++)
        tile_p[(TY + 8u * i) * 9u + TX] = vec4(sum[i], 0.0);
    barrier();
    [[unroll]] for (uint i = 0u; i < 4u; i++) {
        uint row = q0 + TY + 8u * i;
        vec3 all = vec3(0.0);
        for (uint x = 0u; x < 8u; x++)
            all += tile_p[(TY + 8u * i) * 9u + x].xyz;
        if (row < end && TX == 0u) {
            norm[row * a.heads + h] = all.x;
            terms[row * a.heads + h] = match_row(all);
        }
    }
}
