#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/conv/dwconv.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// dw and db += the parts of all live images, in order. One invocation a sum.
ROWS(0, Tok);
layout(binding = 1) readonly buffer Part { float part[]; };    // (images, splits, K K + 1, C)
layout(binding = 2)          buffer DW   { float dw[]; };      // (C, K, K) +=
layout(binding = 3)          buffer DB   { float db[]; };      // (C) += when has_bias
layout(constant_id = SPEC_DWCONV_K) const uint K = 3u;
PUSH_ARGS(dwconv_args);

void main()
{
    uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, k = i / a.channels, c = i % a.channels;
    if (k >= K * K + a.has_bias)
        return;
    float s = 0.0;
    for (uint p = 0u; p < Tok.images * a.splits; p++)
        s += part[(p * (K * K + 1u) + k) * a.channels + c];
    if (k < K * K)
        dw[c * K * K + k] += s;
    else
        db[c] += s;
}
