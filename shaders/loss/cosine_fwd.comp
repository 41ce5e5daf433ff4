#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/cosine.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
#include "shaders/loss/inc/cosine.glsl"
// A workgroup strides over images with WG columns, along y, an invocation each, and leaves one partial sum.
layout(binding = 0) readonly  buffer A       { float va[]; };       // (R, C)
layout(binding = 1) readonly  buffer B       { float vb[]; };       // (R, C)
layout(binding = 2) writeonly buffer Partial { float partial[]; };  // (groups)
ROWS(3, Tok);
PUSH_ARGS(cosine_args);

void main()
{
    uint col = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x;
    float sum = 0.0;
    for (uint image = gl_WorkGroupID.x; image < Tok.images && col < a.cols; image += gl_NumWorkGroups.x) {
        uint first = ROWS_OFFSET(Tok, image), end = ROWS_OFFSET(Tok, image + 1u);
        cosine_sums s = cosine_sums(0.0, 0.0, 0.0);
        for (uint row = first; row < end; row++)
            cosine_add(s, va[row * a.cols + col], vb[row * a.cols + col]);
        if (first < end)
            sum += 1.0 - s.ab * cosine_scale(s);
    }
    sum = wg_sum(sum);
    if (gl_LocalInvocationID.x == 0u)
        partial[gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x] = sum;
}
