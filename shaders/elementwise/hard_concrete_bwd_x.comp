#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/hard_concrete.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// dx += z dy
layout(binding = 0) readonly buffer LogAlpha { float log_alpha[]; };   // (R, C) or (C)
layout(binding = 1) readonly buffer Key      { uint key[]; };          // (2), when sampled
layout(binding = 2) readonly buffer DY       { float dy[]; };          // (R, C)
layout(binding = 3)          buffer DX       { float dx[]; };          // (R, C) +=
ROWS(4, Tok);
PUSH_ARGS(hard_concrete_args);
#include "shaders/elementwise/inc/hard_concrete_at.glsl"

void main()
{
    uint len = (a.rows != 0u ? a.rows : Tok.n) * a.cols;
    for (uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; e < len; e += gl_NumWorkGroups.x * WG)
        dx[e] += gate_at(e).x * dy[e];
}
