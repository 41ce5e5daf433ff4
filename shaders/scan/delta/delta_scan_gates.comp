#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
#include "shaders/scan/delta/inc/delta_form.glsl"
// One invocation a chunk and stream: exp(G), exp(G_last - G), beta and g of its tokens, side by side.
layout(binding = 1) readonly  buffer G     { float g[]; };     // (R, g_ld)
layout(binding = 2) readonly  buffer Beta  { float beta[]; };  // (R, beta_ld)
layout(binding = 3) writeonly buffer Gates { float gates[]; }; // (R, streams, 4)

void main()
{
    span t = span_get(gl_WorkGroupID.x * WG + LANE);
    if (t.n == 0u)
        return;
    float after = 0.0, before = 0.0;               // both are sums: a difference of them would cancel
    for (uint i = 0u; i < t.n; i++) {
        uint r = t.n - 1u - i;
        gates[4u * token_of(t, r) + 1u] = exp(after);
        after += g[row_of(t, r) * a.g_ld + COLUMN(t, g)];
    }
    for (uint r = 0u; r < t.n; r++) {
        uint row = row_of(t, r), at = 4u * token_of(t, r);
        float x = g[row * a.g_ld + COLUMN(t, g)];
        before += x;
        gates[at] = exp(before);
        gates[at + 2u] = beta[row * a.beta_ld + COLUMN(t, beta)];
        gates[at + 3u] = x;
    }
}
