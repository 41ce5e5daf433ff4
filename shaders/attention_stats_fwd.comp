#version 460
#extension GL_GOOGLE_include_directive : require
#include "attention_stats.h"
#include "inc/kernel.glsl"
#include "inc/rows.glsl"
// One workgroup a query and head: the row's weights go to workgroup memory, are sorted there (bitonic,
// descending) and walked once by one invocation. x = query of the image, y = head, z = image.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer Qkv { float qkv[]; };     // (R, 3C)
layout(binding = 2) readonly  buffer Lse { float lse[]; };     // (R, H)
layout(binding = 3) writeonly buffer Out { float stats[]; };   // (R, H, ATTENTION_STATS_N)
layout(constant_id = SPEC_STATS_ROOM) const uint ROOM = 128u;
PUSH_ARGS(attention_stats_args);

shared float p[ROOM];

// Descending; all of p[0 .. ROOM) takes part, padding is -1 and ends up last.
void sort_row()
{
    for (uint width = 2u; width <= ROOM; width *= 2u)
        for (uint gap = width / 2u; gap > 0u; gap /= 2u) {
            barrier();
            for (uint t = gl_LocalInvocationID.x; t < ROOM / 2u; t += WG) {
                uint i = 2u * gap * (t / gap) + t % gap, j = i + gap;
                bool down = (i & width) == 0u;
                float a = p[i], b = p[j];
                if ((a < b) == down) {
                    p[i] = b;
                    p[j] = a;
                }
            }
        }
    barrier();
}

void main()
{
    uint first = ROWS_OFFSET(Tok, gl_WorkGroupID.z), n = ROWS_OFFSET(Tok, gl_WorkGroupID.z + 1u) - first;
    if (gl_WorkGroupID.x >= n)
        return;                    // uniform per workgroup
    uint C = a.heads * a.head_dim, h = gl_WorkGroupID.y, row = first + gl_WorkGroupID.x;
    uint q = row * 3u * C + h * a.head_dim;
    float base = lse[row * a.heads + h];
    for (uint j = gl_LocalInvocationID.x; j < ROOM; j += WG) {
        float s = 0.0;
        uint k = (first + min(j, n - 1u)) * 3u * C + C + h * a.head_dim;
        for (uint d = 0u; d < a.head_dim; d++)
            s += qkv[q + d] * qkv[k + d];
        p[j] = j < n ? exp(a.scale * s - base) : -1.0;
    }
    sort_row();
    if (gl_LocalInvocationID.x != 0u)
        return;
    float mass = 0.0, entropy = 0.0, top = 0.0;
    uint count = 0u, most = (n + 9u) / 10u;
    for (uint j = 0u; j < n; j++) {
        float w = p[j];
        count += mass < 0.9 ? 1u : 0u;
        mass += w;
        entropy -= w > 0.0 ? w * log(w) : 0.0;
        if (j + 1u == most)
            top = mass;
    }
    uint at = (row * a.heads + h) * ATTENTION_STATS_N;
    stats[at] = n > 1u ? entropy / log(float(n)) : 0.0;
    stats[at + 1u] = float(count) / float(n);
    stats[at + 2u] = top;
}
