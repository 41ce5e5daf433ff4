#version 460
#extension GL_GOOGLE_include_directive : require
#include "attention.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
ROWS(0, Tok);
#include "inc/attention_rows.glsl"
// Rows form: one invocation a key walks the queries of its image.
layout(binding = 1) readonly buffer Qkv   { float qkv[]; };    // (R, 3C)
layout(binding = 2) readonly buffer Lse   { float lse[]; };    // (R, H)
layout(binding = 3) readonly buffer DO    { float dout[]; };   // (R, C)
layout(binding = 4) readonly buffer Delta { float delta[]; };  // (R, H)
layout(binding = 5)          buffer DQkv  { float dqkv[]; };   // (R, 3C) += in the columns of k and v
PUSH_ARGS(attention_args);

void main()
{
    span t = span_get(Tok.images, a.heads);
    uint j = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (j >= t.n)
        return;
    uint row = t.first + j;
    float k[D], v[D], dk[D], dv[D];
    [[unroll]] for (uint d = 0u; d < D; d++) {
        k[d] = qkv[row * t.ld + t.k + d] * (a.scale * LOG2E);
        v[d] = qkv[row * t.ld + t.v + d];
        dk[d] = dv[d] = 0.0;
    }
    for (uint i0 = 0u; i0 < t.n; i0 += BLOCK) {
        float p[BLOCK], ds[BLOCK];
        uint r[BLOCK];
        [[unroll]] for (uint i = 0u; i < BLOCK; i++) {
            r[i] = t.first + min(i0 + i, t.n - 1u);
            p[i] = ds[i] = 0.0;
        }
        [[unroll]] for (uint d = 0u; d < D; d++)
            [[unroll]] for (uint i = 0u; i < BLOCK; i++) {
                p[i] += k[d] * qkv[r[i] * t.ld + t.q + d];
                ds[i] += v[d] * dout[r[i] * t.ldo + t.o + d];
            }
        [[unroll]] for (uint i = 0u; i < BLOCK; i++) {
            uint at = r[i] * a.heads + t.h;
            p[i] = i0 + i < t.n ? exp2(p[i] - lse[at] * LOG2E) : 0.0;
            ds[i] = p[i] * (ds[i] - delta[at]);
        }
        [[unroll]] for (uint d = 0u; d < D; d++)
            [[unroll]] for (uint i = 0u; i < BLOCK; i++) {
                dv[d] += p[i] * dout[r[i] * t.ldo + t.o + d];
                dk[d] += ds[i] * qkv[r[i] * t.ld + t.q + d];
            }
    }
    [[unroll]] for (uint d = 0u; d < D; d++) {
        dqkv[row * t.ld + t.k + d] += a.scale * dk[d];
        dqkv[row * t.ld + t.v + d] += dv[d];
    }
}
