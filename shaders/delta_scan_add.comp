#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
// One invocation a number of the first stream that has a column: adds what all streams that share it say, in order.
ROWS(0, Tok);
layout(binding = 1) readonly buffer From  { float from[]; };   // (R, streams, width)
layout(binding = 2) readonly buffer Gates { vec4 gates[]; };   // (R, streams)
layout(binding = 3) buffer D { float d[]; };                   // (R, ld) +=
PUSH_ARGS(delta_scan_add_args);

void main()
{
    uint streams = a.heads * a.dirs, s = gl_WorkGroupID.y, col = s / a.dirs * a.head + s % a.dirs * a.dir;
    for (uint o = 0u; o < s; o++)
        if (o / a.dirs * a.head + o % a.dirs * a.dir == col)
            return;
    for (uint x = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; x < Tok.n * a.width; x += gl_NumWorkGroups.x * WG) {
        uint row = x / a.width, i = x % a.width;
        float sum = 0.0;
        for (uint o = s; o < streams; o++)
            if (o / a.dirs * a.head + o % a.dirs * a.dir == col) {
                uint at = row * streams + o;
                float y = from[a.from + at * a.width + i];
                sum += a.times_beta != 0u ? gates[at].z * y : y;
            }
        d[row * a.ld + a.col0 + col + i] += sum;
    }
}
