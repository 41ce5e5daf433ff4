#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/matrix/matrix_match.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// F of each image and head, an invocation each, over the rows in order; 0 where there is no image.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer Sq   { float sq[]; };     // (R, H)
layout(binding = 2) writeonly buffer Norm { float norm[]; };   // (images H)
PUSH_ARGS(matrix_match_args);

void main()
{
    uint len = a.images * a.heads;
    for (uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; e < len; e += gl_NumWorkGroups.x * WG) {
        uint b = e / a.heads;
        float s = 0.0;
        if (b < Tok.images)
            for (uint row = ROWS_OFFSET(Tok, b); row < ROWS_OFFSET(Tok, b + 1u); row++)
                s += sq[row * a.heads + e % a.heads];
        norm[e] = sqrt(s);
    }
}
