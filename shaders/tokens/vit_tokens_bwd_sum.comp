#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/vit_tokens.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Sums over the images, in order, of `sum_tokens` token indices (x), one invocation a column (y tiles).
layout(binding = 0) readonly buffer DY  { float dy[]; };        // (R, C)
layout(binding = 1)          buffer Sum { float sum[]; };       // (groups, C) +=
ROWS(2, Tok);
PUSH_ARGS(vit_tokens_args);

void main()
{
    uint j = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x;
    if (j >= a.cols)
        return;
    uint first = a.first_token + gl_WorkGroupID.x * a.sum_tokens;
    float s = 0.0;
    for (uint p = first; p < first + a.sum_tokens; p++)
        for (uint b = 0u; b < Tok.images; b++) {
            uint r = ROWS_SLOT(Tok, b, p);
            if (r != ROWS_NONE)
                s += dy[r * a.cols + j];
        }
    sum[gl_WorkGroupID.x * a.cols + j] += s;
}
