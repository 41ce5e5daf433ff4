#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/matrix/matrix_match.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// From gradients of the sums of log decays to those of the decays, in place: each token's and all after it, in the
// order of the stream. An invocation a decay.
ROWS(0, Tok);
layout(binding = 1) buffer DCum { float dcum[]; };             // (R, H dirs, width)
PUSH_ARGS(matrix_match_args);

void main()
{
    uint streams = a.heads * a.dirs, e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    uint s = e / a.width, c = e % a.width, b = gl_WorkGroupID.z;
    if (s >= streams || b >= Tok.images)
        return;
    uint r0 = ROWS_OFFSET(Tok, b), n = ROWS_OFFSET(Tok, b + 1u) - r0;
    float run = 0.0;
    for (uint t = 0u; t < n; t++) {
        uint at = ((r0 + (s % a.dirs == 0u ? n - 1u - t : t)) * streams + s) * a.width + c;
        run += dcum[at];
        dcum[at] = run;
    }
}
