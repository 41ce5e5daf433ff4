#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/linear_attention/inc/linear_attention_rows.glsl"
// One invocation a few queries: the gradient g of their numerators and denominators, and dphi_q.
layout(binding = 1) readonly  buffer PhiQ  { float phi[]; };   // (R, H F)
layout(binding = 2) readonly  buffer S     { float state[]; }; // (images H, F, D + 4)
layout(binding = 3) readonly  buffer Y     { float y[]; };     // (R, H D)
layout(binding = 4) readonly  buffer DY    { float dy[]; };    // (R, H D)
layout(binding = 5)           buffer DPhiQ { float dphi[]; };  // (R, H F) +=
layout(binding = 6) writeonly buffer G     { float g[]; };     // (R, H (D + 4))
layout(binding = 7) readonly  buffer Own   { float local[]; }; // (R, H, 4), causal: denominators of its chunk
PUSH_ARGS(linear_attention_args);

void main()
{
    span t = span_get(Tok.images, a.heads, a.features, a.chunks);
    if (!t.live)
        return;
    float den[OWN], dn[OWN * (D + 1u)];
    FOR(r, OWN)
        den[r] = CAUSAL == 0u ? 0.0 : local[OWN_ROW(t, r) * 4u];
    for (uint f = 0u; f < a.features; f++) {
        float z = state[t.state + f * (D + 4u) + D];
        FOR(r, OWN)
            den[r] += phi[OWN_ROW(t, r) * a.features + f] * z;
    }
    FOR(r, OWN) {
        float inv = 1.0 / max(den[r], LINEAR_ATTENTION_EPS), dot_y = 0.0;
        FOR(c, D) {
            float x = dy[OWN_ROW(t, r) * D + c] * inv;
            dn[r * (D + 1u) + c] = x;
            dot_y += x * y[OWN_ROW(t, r) * D + c];
        }
        dn[r * (D + 1u) + D] = den[r] > LINEAR_ATTENTION_EPS ? -dot_y : 0.0;   // once clamped, a constant
        if (IS_OWN(t, r))
            FOR(c, D + 4u)
                g[OWN_ROW(t, r) * (D + 4u) + c] = c > D ? 0.0 : dn[r * (D + 1u) + min(c, D)];
    }
    for (uint f = 0u; f < a.features; f++) {
        float d[OWN];
        FOR(r, OWN)
            d[r] = 0.0;
        FOR(c, D + 1u) {
            float z = state[t.state + f * (D + 4u) + c];
            FOR(r, OWN)
                d[r] += dn[r * (D + 1u) + c] * z;
        }
        FOR(r, OWN)
            if (IS_OWN(t, r))
                dphi[OWN_ROW(t, r) * a.features + f] += d[r];
    }
}
