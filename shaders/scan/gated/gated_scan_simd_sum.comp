#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/gated/gated_scan.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// For software devices: one invocation four columns of a row of a gradient.
ROWS(0, Tok);
layout(binding = 1) uniform samplerBuffer part;                // (R, streams, slices, width)
layout(binding = 2) buffer To { vec4 to[]; };                  // +=
PUSH_ARGS(gated_scan_sum_args);

#define T vec4
#define N 4u
T part_get(uint at)
{
    return texelFetch(part, int(at));
}

void to_add(uint at, T sum)
{
    to[at] += sum;
}
#include "shaders/scan/gated/inc/gated_scan_sum.glsl"
