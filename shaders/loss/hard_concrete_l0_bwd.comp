#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/hard_concrete_l0.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"
// dlog_alpha += dloss / elements * P (1 - P)
layout(binding = 0) readonly buffer LogAlpha { float log_alpha[]; };   // (R, C)
layout(binding = 1) readonly buffer DLoss    { float dloss[]; };       // (1)
layout(binding = 2)          buffer DA       { float da[]; };          // (R, C) +=
ROWS(3, Tok);
PUSH_ARGS(hard_concrete_l0_args);

void main()
{
    uint n = a.rows != 0u ? a.rows : Tok.n, len = n * a.cols;
    float g = dloss[0] / (float(max(n, 1u)) * float(a.cols));
    for (uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; e < len; e += gl_NumWorkGroups.x * WG) {
        float p, q;
        sigmoid_both(log_alpha[e] - a.shift, p, q);
        da[e] += g * p * q;
    }
}
