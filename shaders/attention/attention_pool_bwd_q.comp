#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention_pool.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// The gradient of the query: an invocation a column (x tiles), over some rows in order.
layout(binding = 0) readonly buffer KV { float kv[]; };     // (R, 2C)
layout(binding = 1) readonly buffer DS { float ds[]; };     // (R, H), times the scale
layout(binding = 2)          buffer DQ { float dq[]; };     // (C) +=
ROWS(3, Tok);
PUSH_ARGS(attention_pool_bwd_q_args);

void main()
{
    uint C = a.heads * a.head_dim, j = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, h = j / a.head_dim;
    if (j >= C)
        return;
    float sum = 0.0;
    for (uint row = a.first; row < min(a.last, Tok.n); row++)
        sum += ds[row * a.heads + h] * kv[row * 2u * C + j];
    dq[j] += sum;
}
