#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/gated/gated_scan.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// One invocation a column of a row of a gradient.
ROWS(0, Tok);
layout(binding = 1) readonly buffer Parts { float part[]; };   // (R, streams, slices, width)
layout(binding = 2)          buffer To    { float to[]; };     // +=
PUSH_ARGS(gated_scan_sum_args);

#define T float
#define N 1u
T part_get(uint at)
{
    return part[at];
}

void to_add(uint at, T sum)
{
    to[at] += sum;
}
#include "shaders/scan/gated/inc/gated_scan_sum.glsl"
