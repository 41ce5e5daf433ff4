#version 460
#extension GL_GOOGLE_include_directive : require
#include "attention.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
ROWS(0, Tok);
#include "inc/attention_rows.glsl"
// Rows form: one invocation a query. Also leaves delta for the kernel that makes dk and dv.
layout(binding = 1) readonly  buffer Qkv   { float qkv[]; };   // (R, 3C)
layout(binding = 2) readonly  buffer O     { float o[]; };     // (R, C)
layout(binding = 3) readonly  buffer Lse   { float lse[]; };   // (R, H)
layout(binding = 4) readonly  buffer DO    { float dout[]; };  // (R, C)
layout(binding = 5)           buffer DQkv  { float dqkv[]; };  // (R, 3C) += in the columns of q
layout(binding = 6) writeonly buffer Delta { float delta[]; }; // (R, H)
PUSH_ARGS(attention_args);

void main()
{
    span t = span_get(Tok.images, a.heads);
    uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (i >= t.n)
        return;
    uint row = t.first + i;
    float q[D], g[D], dq[D], dl = 0.0;
    [[unroll]] for (uint d = 0u; d < D; d++) {
        q[d] = qkv[row * t.ld + t.q + d] * (a.scale * LOG2E);
        g[d] = dout[row * t.ldo + t.o + d];
        dl += g[d] * o[row * t.ldo + t.o + d];
        dq[d] = 0.0;
    }
    delta[row * a.heads + t.h] = dl;
    float e = lse[row * a.heads + t.h] * LOG2E;
    for (uint j0 = 0u; j0 < t.n; j0 += BLOCK) {
        float s[BLOCK], dp[BLOCK];
        uint at[BLOCK];
        [[unroll]] for (uint j = 0u; j < BLOCK; j++) {
            at[j] = (t.first + min(j0 + j, t.n - 1u)) * t.ld;
            s[j] = dp[j] = 0.0;
        }
        [[unroll]] for (uint d = 0u; d < D; d++)
            [[unroll]] for (uint j = 0u; j < BLOCK; j++) {
                s[j] += q[d] * qkv[at[j] + t.k + d];
                dp[j] += g[d] * qkv[at[j] + t.v + d];
            }
        [[unroll]] for (uint j = 0u; j < BLOCK; j++)
            s[j] = j0 + j < t.n ? exp2(s[j] - e) * (dp[j] - dl) : 0.0;
        [[unroll]] for (uint d = 0u; d < D; d++)
            [[unroll]] for (uint j = 0u; j < BLOCK; j++)
                dq[d] += s[j] * qkv[at[j] + t.k + d];
    }
    [[unroll]] for (uint d = 0u; d < D; d++)
        dqkv[row * t.ld + t.q + d] += a.scale * dq[d];
}
