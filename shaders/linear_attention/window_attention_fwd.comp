#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/window_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"
ROWS(0, Tok);
#include "shaders/linear_attention/inc/window_attention.glsl"
// One invocation a query of a head: its block's keys, then the state of all other blocks.
layout(binding = 1) readonly  buffer PhiQ  { float phi[]; };   // (R, H F)
layout(binding = 2) readonly  buffer Qkv   { float qkv[]; };   // (R, 3C)
layout(binding = 3) readonly  buffer Mix   { float mix_[]; };  // (H)
layout(binding = 4) readonly  buffer O     { float others[]; };    // (images blocks H, F, D + 1)
layout(binding = 5) writeonly buffer Y     { float y[]; };     // (R, C)
layout(binding = 6) writeonly buffer Stats { float stats[]; }; // (R, H 3)
PUSH_ARGS(window_attention_args);

void query(place p)
{
    float q[D], acc[D], top = -3.4e38, sum = 0.0;
    uint best = 0u, ld = 3u * p.C, col = p.h * D;
    FOR(d, D) {
        q[d] = qkv[p.row * ld + col + d] * a.scale;
        acc[d] = 0.0;
    }
    for (uint j = p.first; j < p.end; j++) {
        float s = 0.0;
        FOR(d, D)
            s += q[d] * qkv[j * ld + p.C + col + d];
        bool is_more = s > top;
        float keep = is_more ? exp(top - s) : 1.0;
        top = is_more ? s : top;
        best = is_more ? j - p.first : best;
        float e = exp(s - top);
        sum = sum * keep + e;
        FOR(d, D)
            acc[d] = acc[d] * keep + e * qkv[j * ld + 2u * p.C + col + d];
    }
    float w = window_weight(mix_[p.h]), den = w * sum;
    FOR(d, D)
        acc[d] *= w;
    for (uint f = 0u; f < a.features; f++) {
        float x = phi[p.at * a.features + f];
        uint at = p.state + f * (D + 1u);
        FOR(d, D)
            acc[d] += x * others[at + d];
        den += x * others[at + D];
    }
    float inv = 1.0 / max(den, LINEAR_ATTENTION_EPS);
    FOR(d, D)
        y[p.at * D + d] = acc[d] * inv;
    stats[p.at * WINDOW_ATTENTION_STATS] = top;
    stats[p.at * WINDOW_ATTENTION_STATS + 1u] = max(den, LINEAR_ATTENTION_EPS);
    stats[p.at * WINDOW_ATTENTION_STATS + 2u] = float(best);
}

void main()
{
    for (uint b = gl_WorkGroupID.z; b < a.images; b += gl_NumWorkGroups.z) {
        place p = place_get(Tok.images, b, a);
        if (p.live)
            query(p);
    }
}
