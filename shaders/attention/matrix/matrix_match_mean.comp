#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/matrix/matrix_match.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
// The mean of F over the live images and heads, in one workgroup; no images give 0.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer Norm { float norm[]; };   // (images H)
layout(binding = 2) writeonly buffer Loss { float loss[]; };   // (1)
PUSH_ARGS(matrix_match_args);

void main()
{
    uint n = Tok.images * a.heads;
    float s = 0.0;
    for (uint i = gl_LocalInvocationID.x; i < n; i += WG)
        s += norm[i];
    s = wg_sum(s);
    if (gl_LocalInvocationID.x == 0u)
        loss[0] = s / float(max(n, 1u));
}
