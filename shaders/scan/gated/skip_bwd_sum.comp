#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/gated/skip.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/reduce.glsl"
// Adds up the blocks and columns of a stream, a workgroup a stream; here dim counts floats.
layout(binding = 0) readonly buffer Part { float part[]; };     // (blocks, N)
layout(binding = 1)          buffer DD   { float dd[]; };       // (streams) +=
PUSH_ARGS(skip_args);
#include "shaders/scan/inc/streams.glsl"

void main()
{
    uint s = gl_WorkGroupID.x;
    float sum = 0.0;
    for (uint k = gl_LocalInvocationID.x; k < a.blocks * a.dim; k += WG)
        sum += part[k / a.dim * N_COLS + s * a.dim + k % a.dim];
    sum = wg_sum(sum);
    if (gl_LocalInvocationID.x == 0u)
        dd[s] += sum;
}
