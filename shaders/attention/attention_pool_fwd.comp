#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention_pool.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// A workgroup an image and, along y, WG columns; an invocation adds up its column, row after row.
layout(binding = 0) readonly  buffer KV { float kv[]; };    // (R, 2C)
layout(binding = 1) readonly  buffer P  { float p[]; };     // (R, H)
layout(binding = 2) writeonly buffer O  { float o[]; };     // (B, C)
ROWS(3, Tok);
ROWS(4, Img);
PUSH_ARGS(attention_pool_args);

void main()
{
    uint n = min(Img.n, Tok.images), j = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x;
    uint C = a.heads * a.head_dim, h = j / a.head_dim;
    if (j >= C)
        return;
    for (uint image = gl_WorkGroupID.x; image < n; image += gl_NumWorkGroups.x) {
        uint end = ROWS_OFFSET(Tok, image + 1u);
        float sum = 0.0;
        for (uint row = ROWS_OFFSET(Tok, image); row < end; row++)
            sum += p[row * a.heads + h] * kv[row * 2u * C + C + j];
        o[image * C + j] = sum;
    }
}
