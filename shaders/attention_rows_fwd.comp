#version 460
#extension GL_GOOGLE_include_directive : require
#include "attention.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
ROWS(0, Tok);
#include "inc/attention_rows.glsl"
// Rows form: one invocation a query, online softmax over blocks of keys. For software devices.
layout(binding = 1) readonly  buffer Qkv { float qkv[]; };     // (R, 3C)
layout(binding = 2) writeonly buffer O   { float o[]; };       // (R, C)
layout(binding = 3) writeonly buffer Lse { float lse[]; };     // (R, H)
PUSH_ARGS(attention_args);

void main()
{
    span t = span_get(Tok.images, a.heads);
    uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (i >= t.n)
        return;
    uint row = t.first + i;
    float q[D], acc[D];
    [[unroll]] for (uint d = 0u; d < D; d++) {
        q[d] = qkv[row * t.ld + t.q + d] * (a.scale * LOG2E);  // scores in base 2: exp2 is the cheap one
        acc[d] = 0.0;
    }
    float m = -1.7014117e38, l = 0.0;
    for (uint j0 = 0u; j0 < t.n; j0 += BLOCK) {
        float s[BLOCK], top = m;
        uint at[BLOCK];
        [[unroll]] for (uint j = 0u; j < BLOCK; j++) {
            at[j] = (t.first + min(j0 + j, t.n - 1u)) * t.ld;
            s[j] = 0.0;
        }
        [[unroll]] for (uint d = 0u; d < D; d++)
            [[unroll]] for (uint j = 0u; j < BLOCK; j++)
                s[j] += q[d] * qkv[at[j] + t.k + d];
        [[unroll]] for (uint j = 0u; j < BLOCK; j++)
            top = max(top, s[j]);  // a repeated last key does not change the maximum
        float keep = exp2(m - top);
        m = top;
        l *= keep;
        [[unroll]] for (uint j = 0u; j < BLOCK; j++) {
            s[j] = j0 + j < t.n ? exp2(s[j] - m) : 0.0;
            l += s[j];
        }
        [[unroll]] for (uint d = 0u; d < D; d++) {
            float y = acc[d] * keep;
            [[unroll]] for (uint j = 0u; j < BLOCK; j++)
                y += s[j] * qkv[at[j] + t.v + d];
            acc[d] = y;
        }
    }
    [[unroll]] for (uint d = 0u; d < D; d++)
        o[row * t.ldo + t.o + d] = acc[d] / l;
    float e = log2(l);
    e += (l * exp2(-e) - 1.0) * LOG2E;     // one Newton step: log2 alone may be off by 2^-21
    lse[row * a.heads + t.h] = (m + e) * LN2;
}
