#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/linear_attention/inc/linear_attention_rows.glsl"
// One invocation a few keys: reads the state's gradient of its image and head.
layout(binding = 1) readonly buffer PhiK  { float phi[]; };    // (R, H F)
layout(binding = 2) readonly buffer V     { float v[]; };      // (R, ld_v)
layout(binding = 3) readonly buffer DS    { float dstate[]; }; // (images H, F, D + 4)
layout(binding = 4)          buffer DPhiK { float dphi[]; };   // (R, H F) +=
layout(binding = 5)          buffer DV    { float dv[]; };     // (R, ld_v) += in the columns of the heads
PUSH_ARGS(linear_attention_args);

void main()
{
    span t = span_get(Tok.images, a.heads, a.features, a.chunks);
    if (!t.live)
        return;
    uint col = a.col_v + t.h * D;
    float x[OWN * D], acc[OWN * D];
    FOR(r, OWN)
        FOR(c, D) {
            x[r * D + c] = v[min(t.first + r, t.end - 1u) * a.ld_v + col + c];
            acc[r * D + c] = 0.0;
        }
    for (uint f = 0u; f < a.features; f++) {
        uint at = t.state + f * (D + 4u);
        float p[OWN], d[OWN], dz = dstate[at + D];
        FOR(r, OWN) {
            p[r] = phi[OWN_ROW(t, r) * a.features + f];
            d[r] = dz;
        }
        FOR(c, D) {
            float z = dstate[at + c];
            FOR(r, OWN) {
                d[r] += z * x[r * D + c];
                acc[r * D + c] += z * p[r];
            }
        }
        FOR(r, OWN)
            if (IS_OWN(t, r))
                dphi[OWN_ROW(t, r) * a.features + f] += d[r];
    }
    FOR(r, OWN)
        if (IS_OWN(t, r))
            FOR(c, D)
                dv[(t.first + r) * a.ld_v + col + c] += acc[r * D + c];
}
