#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/window_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"
ROWS(0, Tok);
#include "shaders/linear_attention/inc/window_attention.glsl"
// One invocation a key of a head: the queries of its block, then what those of all other blocks sum up to.
layout(binding = 1) readonly buffer PhiK  { float phi[]; };    // (R, H F)
layout(binding = 2) readonly buffer Qkv   { float qkv[]; };    // (R, 3C)
layout(binding = 3) readonly buffer Mix   { float mix_[]; };   // (H)
layout(binding = 4) readonly buffer O     { float others[]; }; // (images blocks H, F, D + 1) of O'
layout(binding = 5) readonly buffer Stats { float stats[]; };  // (R, H 3)
layout(binding = 6) readonly buffer G     { float g[]; };      // (R, H (D + 1))
layout(binding = 7) readonly buffer Rest  { float rest[]; };   // (R, H)
layout(binding = 8)          buffer DPhiK { float dphi[]; };   // (R, H F) +=
layout(binding = 9)          buffer DQkv  { float dqkv[]; };   // (R, 3C) += in the columns of k and v
PUSH_ARGS(window_attention_args);

void key(place p)
{
    float k[D], v[D], dk[D], dv[D];
    uint ld = 3u * p.C, col = p.h * D, mine = p.row * ld + col;
    FOR(d, D) {
        k[d] = qkv[mine + p.C + d] * a.scale;
        v[d] = qkv[mine + 2u * p.C + d];
        dk[d] = dv[d] = 0.0;
    }
    for (uint f = 0u; f < a.features; f++) {
        uint at = p.state + f * (D + 1u);
        float x = phi[p.at * a.features + f], dx = others[at + D];
        FOR(d, D) {
            float o = others[at + d];
            dx += o * v[d];
            dv[d] += o * x;
        }
        dphi[p.at * a.features + f] += dx;
    }
    float w = window_weight(mix_[p.h]);
    for (uint i = p.first; i < p.end; i++) {
        uint at = i * a.heads + p.h;
        float s = 0.0, t = g[at * (D + 1u) + D];
        FOR(d, D) {
            s += k[d] * qkv[i * ld + col + d];
            t += v[d] * g[at * (D + 1u) + d];
        }
        float e = w * exp(s - stats[at * WINDOW_ATTENTION_STATS]), ds = e * t;
        if (p.first + uint(stats[at * WINDOW_ATTENTION_STATS + 2u]) == p.row)
            ds -= rest[at];
        FOR(d, D) {
            dk[d] += ds * qkv[i * ld + col + d];
            dv[d] += e * g[at * (D + 1u) + d];
        }
    }
    FOR(d, D) {
        dqkv[mine + p.C + d] += a.scale * dk[d];
        dqkv[mine + 2u * p.C + d] += dv[d];
    }
}

void main()
{
    for (uint b = gl_WorkGroupID.z; b < a.images; b += gl_NumWorkGroups.z) {
        place p = place_get(Tok.images, b, a);
        if (p.live)
            key(p);
    }
}
