#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/hard_concrete_l0.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"
// A workgroup strides over the elements and leaves one partial sum.
layout(binding = 0) readonly  buffer LogAlpha { float log_alpha[]; };  // (R, C)
layout(binding = 1) writeonly buffer Partial  { float partial[]; };    // (groups)
ROWS(2, Tok);
PUSH_ARGS(hard_concrete_l0_args);

void main()
{
    uint len = (a.rows != 0u ? a.rows : Tok.n) * a.cols;
    float s = 0.0;
    for (uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; e < len; e += gl_NumWorkGroups.x * WG) {
        float p, q;
        sigmoid_both(log_alpha[e] - a.shift, p, q);
        s += p;
    }
    s = wg_sum(s);
    if (gl_LocalInvocationID.x == 0u)
        partial[gl_WorkGroupID.x] = s;
}
