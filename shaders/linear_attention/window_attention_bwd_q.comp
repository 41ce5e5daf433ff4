#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/window_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"
ROWS(0, Tok);
#include "shaders/linear_attention/inc/window_attention.glsl"
// One invocation a query of a head; leaves g and r for the kernels of the keys and of mix.
layout(binding = 1) readonly  buffer Qkv   { float qkv[]; };   // (R, 3C)
layout(binding = 2) readonly  buffer Mix   { float mix_[]; };  // (H)
layout(binding = 3) readonly  buffer O     { float others[]; };    // (images blocks H, F, D + 1)
layout(binding = 4) readonly  buffer Y     { float y[]; };     // (R, C)
layout(binding = 5) readonly  buffer Stats { float stats[]; }; // (R, H 3)
layout(binding = 6) readonly  buffer DY    { float dy[]; };    // (R, C)
layout(binding = 7)           buffer DPhiQ { float dphi[]; };  // (R, H F) +=
layout(binding = 8)           buffer DQkv  { float dqkv[]; };  // (R, 3C) += in the columns of q
layout(binding = 9) writeonly buffer G     { float g_out[]; }; // (R, H (D + 1))
layout(binding = 10) writeonly buffer Rest { float rest[]; };  // (R, H) of r
layout(binding = 11) readonly buffer PhiQ  { float phi[]; };   // (R, H F)
PUSH_ARGS(window_attention_args);

void query(place p)
{
    float q[D], g[D], dq[D], g_one = 0.0;
    uint ld = 3u * p.C, col = p.h * D;
    float top = stats[p.at * WINDOW_ATTENTION_STATS], inv = 1.0 / stats[p.at * WINDOW_ATTENTION_STATS + 1u];
    uint best = p.first + uint(stats[p.at * WINDOW_ATTENTION_STATS + 2u]);
    FOR(d, D) {
        q[d] = qkv[p.row * ld + col + d] * a.scale;
        g[d] = dy[p.at * D + d] * inv;
        g_one -= g[d] * y[p.at * D + d];
        dq[d] = 0.0;
        g_out[p.at * (D + 1u) + d] = g[d];
    }
    g_out[p.at * (D + 1u) + D] = g_one;
    float outside = 0.0;
    for (uint f = 0u; f < a.features; f++) {
        uint at = p.state + f * (D + 1u);
        float x = g_one * others[at + D];
        FOR(d, D)
            x += g[d] * others[at + d];
        dphi[p.at * a.features + f] += x;
        outside += phi[p.at * a.features + f] * x;
    }
    float w = window_weight(mix_[p.h]), inside = 0.0, all = 0.0;
    for (uint j = p.first; j < p.end; j++) {
        float s = 0.0, t = g_one;
        FOR(d, D) {
            s += q[d] * qkv[j * ld + p.C + col + d];
            t += g[d] * qkv[j * ld + 2u * p.C + col + d];
        }
        float e = w * exp(s - top), ds = e * t;
        all += e;
        inside += ds;
        FOR(d, D)
            dq[d] += ds * qkv[j * ld + p.C + col + d];
    }
    float r = all * inv > 0.5 ? -outside : inside;      // they sum to 0: what is made of the smaller weights is exact
    rest[p.at] = r;
    FOR(d, D)
        dqkv[p.row * ld + col + d] += a.scale * (dq[d] - r * qkv[best * ld + p.C + col + d]);
}

void main()
{
    for (uint b = gl_WorkGroupID.z; b < a.images; b += gl_NumWorkGroups.z) {
        place p = place_get(Tok.images, b, a);
        if (p.live)
            query(p);
    }
}
