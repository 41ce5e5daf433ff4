#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention_stats.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// One workgroup a query and head: the row's scores go to workgroup memory, are sorted there (bitonic,
// descending) and walked by one invocation for each set of keys,
// all rounds for both. x = query of the image, y = head, z = image.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer Qkv { float qkv[]; };     // (R, (H + 2 KV) D)
layout(binding = 2) writeonly buffer Out { float stats[]; };   // (R, H, ATTENTION_STATS_N)
layout(constant_id = SPEC_STATS_ROOM) const uint ROOM = 128u;
layout(binding = 3) readonly  buffer Table { float table[]; }; // (N, H), with BIAS
PUSH_ARGS(attention_stats_args);
#include "shaders/attention/inc/attention_bias.glsl"

const float PADDING = -1.7e38;     // finite, and below every score

shared float s[ROOM];
shared float class_score;

// Descending; all of s[0 .. ROOM) takes part, padding ends up last.
void sort_row()
{
    for (uint width = 2u; width <= ROOM; width *= 2u)
        for (uint gap = width / 2u; gap > 0u; gap /= 2u) {
            barrier();
            for (uint t = gl_LocalInvocationID.x; t < ROOM / 2u; t += WG) {
                uint i = 2u * gap * (t / gap) + t % gap, j = i + gap;
                bool down = (i & width) == 0u;
                float x = s[i], y = s[j];
                if ((x < y) == down) {
                    s[i] = y;
                    s[j] = x;
                }
            }
        }
    barrier();
}

// Sums that carry their own rounding error (Kahan).
void add(inout precise vec4 sum, inout precise vec4 lost, vec4 x)
{
    precise vec4 y = x - lost;
    precise vec4 t = sum + y;
    lost = (t - sum) - y;
    sum = t;
}

// The measures of the n keys that s[0 .. n) holds, or of all but one of them, which is at place `left_out`.
void measure(uint at, uint n, uint left_out)
{
    uint m = left_out < n ? n - 1u : n;
    if (m < 2u) {
        for (uint k = 0u; k < ATTENTION_STATS_MEASURES; k++)
            stats[at + k] = ATTENTION_STATS_NONE;
        return;
    }
    float len = float(m), top_score = s[left_out == 0u ? 1u : 0u], top = 0.0;
    uint most = (m + 9u) / 10u, i = 0u;
    precise vec4 sum = vec4(0.0), lost = vec4(0.0);    // of e, -t e, e^2, e (m + 1 - 2 i)
    for (uint j = 0u; j < n; j++) {
        if (j != left_out) {
            i++;
            float t = s[j] - top_score, e = exp(t);
            add(sum, lost, vec4(e, -t * e, e * e, e * (len + 1.0 - 2.0 * float(i))));
            if (i == most)
                top = sum.x;
        }
    }
    float z = sum.x, entropy = log(z) + sum.y / z, root = sqrt(len);
    precise vec4 mass = vec4(0.0), rest = vec4(0.0);
    uint holders = 0u, below = 0u;
    for (uint j = 0u; j < n; j++) {
        if (j != left_out) {
            float e = exp(s[j] - top_score);
            holders += mass.x < (0.9 - ATTENTION_STATS_EDGE) * z ? 1u : 0u;
            below += e * len < (1.0 - ATTENTION_STATS_EDGE) * z ? 1u : 0u;
            add(mass, rest, vec4(e));
        }
    }
    stats[at] = entropy / log(len);
    stats[at + 1u] = exp(entropy) / len;
    stats[at + 2u] = sum.w / (z * len);
    stats[at + 3u] = (root - z / sqrt(sum.z)) / (root - 1.0);
    stats[at + 4u] = z * z / (len * sum.z);
    stats[at + 5u] = float(below) / len;
    stats[at + 6u] = top / z;
    stats[at + 7u] = float(holders) / len;
}

void main()
{
    uint first = ROWS_OFFSET(Tok, gl_WorkGroupID.z), n = ROWS_OFFSET(Tok, gl_WorkGroupID.z + 1u) - first;
    if (gl_WorkGroupID.x >= n)
        return;                    // uniform per workgroup
    uint h = gl_WorkGroupID.y, row = first + gl_WorkGroupID.x, ld = (a.heads + 2u * a.kv_heads) * a.head_dim;
    uint q = row * ld + h * a.head_dim, col_k = (a.heads + h / (a.heads / a.kv_heads)) * a.head_dim;
    if (a.causal != 0u)
        n = gl_WorkGroupID.x + 1u;
    bool has_class = a.has_class != 0u && ROWS_POS(Tok, first) == 0u;      // the prefix stands first
    for (uint j = gl_LocalInvocationID.x; j < ROOM; j += WG) {
        float dot_qk = 0.0;
        uint k = (first + min(j, n - 1u)) * ld + col_k;
        for (uint d = 0u; d < a.head_dim; d++)
            dot_qk += qkv[q + d] * qkv[k + d];
        float x = a.scale * dot_qk;
        if (BIAS != 0u)
            x += bias_of(bias_place(row), bias_place(first + min(j, n - 1u)), h);
        s[j] = j < n ? x : PADDING;
        if (j == 0u)
            class_score = s[j];
    }
    sort_row();
    uint at = (row * a.heads + h) * ATTENTION_STATS_N;
    if (gl_LocalInvocationID.x < ATTENTION_STATS_SETS) {
        uint left_out = n;         // which of equal scores is the class token's does not matter
        bool without = gl_LocalInvocationID.x == 1u && has_class;
        for (uint j = 0u; j < n; j++)
            left_out = without && left_out == n && s[j] == class_score ? j : left_out;
        measure(at + gl_LocalInvocationID.x * ATTENTION_STATS_MEASURES, n, left_out);
    }
}
