#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/linear_attention/inc/linear_attention_rows.glsl"
// One invocation a few queries: reads the state of its image (causal: chunk) and head.
layout(binding = 1) readonly  buffer PhiQ { float phi[]; };    // (R, H F)
layout(binding = 2) readonly  buffer S    { float state[]; };  // (images H, F, D + 4)
layout(binding = 3) writeonly buffer Y    { float y[]; };      // (R, H D)
layout(binding = 4) readonly  buffer Own  { float local[]; };  // (R, H, D + 4), causal: what its chunk gives
PUSH_ARGS(linear_attention_args);

void main()
{
    span t = span_get(Tok.images, a.heads, a.features, a.chunks);
    if (!t.live)
        return;
    float acc[OWN * (D + 1u)];
    FOR(u, OWN * (D + 1u))
        acc[u] = 0.0;
    if (CAUSAL != 0u)
        FOR(r, OWN)
            FOR(c, D + 1u)
                acc[r * (D + 1u) + c] = local[OWN_ROW(t, r) * (D + 4u) + c];
    for (uint f = 0u; f < a.features; f++) {
        float p[OWN];
        FOR(r, OWN)
            p[r] = phi[OWN_ROW(t, r) * a.features + f];
        FOR(c, D + 1u) {
            float z = state[t.state + f * (D + 4u) + c];
            FOR(r, OWN)
                acc[r * (D + 1u) + c] += p[r] * z;
        }
    }
    FOR(r, OWN)
        if (IS_OWN(t, r)) {
            float inv = 1.0 / max(acc[r * (D + 1u) + D], LINEAR_ATTENTION_EPS);
            FOR(c, D)
                y[OWN_ROW(t, r) * D + c] = acc[r * (D + 1u) + c] * inv;
        }
}
