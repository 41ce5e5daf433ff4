#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/hard_concrete.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// dlog_alpha += dz/dlog_alpha x dy, each element its own.
layout(binding = 0) readonly buffer LogAlpha { float log_alpha[]; };   // (R, C)
layout(binding = 1) readonly buffer Key      { uint key[]; };          // (2), when sampled
layout(binding = 2) readonly buffer X        { float x[]; };           // (R, C), unless there is none
layout(binding = 3) readonly buffer DY       { float dy[]; };          // (R, C)
layout(binding = 4)          buffer DA       { float da[]; };          // (R, C) +=
ROWS(5, Tok);
PUSH_ARGS(hard_concrete_args);
#include "shaders/elementwise/inc/hard_concrete_at.glsl"

void main()
{
    uint len = (a.rows != 0u ? a.rows : Tok.n) * a.cols;
    for (uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; e < len; e += gl_NumWorkGroups.x * WG)
        da[e] += gate_at(e).y * dy[e] * (a.has_x != 0u ? x[e] : 1.0);
}
