#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/hard_concrete.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// y = z, or x z.
layout(binding = 0) readonly  buffer LogAlpha { float log_alpha[]; };  // (R, C) or (C)
layout(binding = 1) readonly  buffer Key      { uint key[]; };         // (2), when sampled
layout(binding = 2) readonly  buffer X        { float x[]; };          // (R, C), unless there is none
layout(binding = 3) writeonly buffer Y        { float y[]; };          // (R, C)
ROWS(4, Tok);
PUSH_ARGS(hard_concrete_args);
#include "shaders/elementwise/inc/hard_concrete_at.glsl"

void main()
{
    uint len = (a.rows != 0u ? a.rows : Tok.n) * a.cols;
    for (uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; e < len; e += gl_NumWorkGroups.x * WG) {
        float z = gate_at(e).x;
        y[e] = a.has_x != 0u ? x[e] * z : z;
    }
}
