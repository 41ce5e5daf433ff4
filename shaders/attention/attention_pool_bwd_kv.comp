#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention_pool.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// An image (x) and a head (y) a workgroup, an invocation a row: gradients of keys and values, and of scores for _bwd_q.
layout(binding = 0) readonly buffer KV  { float kv[]; };    // (R, 2C)
layout(binding = 1) readonly buffer Q   { float q[]; };     // (C)
layout(binding = 2) readonly buffer P   { float p[]; };     // (R, H)
layout(binding = 3) readonly buffer O   { float o[]; };     // (B, C)
layout(binding = 4) readonly buffer DO  { float dout[]; };  // (B, C)
layout(binding = 5)          buffer DKV { float dkv[]; };   // (R, 2C) +=, unless it is not wanted
layout(binding = 6)          buffer DS  { float ds[]; };    // (R, H)
ROWS(7, Tok);
ROWS(8, Img);
PUSH_ARGS(attention_pool_args);
layout(constant_id = 1) const uint HAS_DKV = 0u;

void main()
{
    uint n = min(Img.n, Tok.images), h = gl_WorkGroupID.y, D = a.head_dim, C = a.heads * D;
    for (uint image = gl_WorkGroupID.x; image < n; image += gl_NumWorkGroups.x) {
        uint start = ROWS_OFFSET(Tok, image), end = ROWS_OFFSET(Tok, image + 1u), at = image * C + h * D;
        float delta = 0.0;
        for (uint d = 0u; d < D; d++)
            delta += dout[at + d] * o[at + d];
        for (uint row = start + gl_LocalInvocationID.x; row < end; row += WG) {
            uint k = row * 2u * C + h * D, v = k + C;
            float w = p[row * a.heads + h], dp = 0.0;
            for (uint d = 0u; d < D; d++)
                dp += dout[at + d] * kv[v + d];
            float g = a.scale * w * (dp - delta);
            ds[row * a.heads + h] = g;
            for (uint d = 0u; HAS_DKV != 0u && d < D; d++) {
                dkv[k + d] += g * q[h * D + d];
                dkv[v + d] += w * dout[at + d];
            }
        }
    }
}
