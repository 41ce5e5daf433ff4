#version 460
#extension GL_GOOGLE_include_directive : require
#include "gated_scan.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
// One invocation a column of a row of a gradient: adds its parts, stream after stream.
ROWS(0, Tok);
layout(binding = 1) readonly buffer Parts { float part[]; };   // (R, streams, slices, width)
layout(binding = 2)          buffer To    { float to[]; };     // +=
PUSH_ARGS(gated_scan_sum_args);

void main()
{
    uint cols = a.heads_to * a.dirs_to * a.width, n = Tok.n * cols;
    for (uint e = gl_GlobalInvocationID.x; e < n; e += gl_NumWorkGroups.x * WG) {
        uint row = e / cols, col = e % cols, i = col % a.width;
        uint d = col / a.width % a.dirs_to, h = col / a.width / a.dirs_to;
        bool any = false;
        float sum = 0.0;
        for (uint l = 0u; l < a.streams; l++) {
            uint s = a.stream0 + l;
            if ((a.heads_to > 1u && s / a.dirs != h) || (a.dirs_to > 1u && s % a.dirs != d))
                continue;
            any = true;
            for (uint w = 0u; w < a.slices; w++)
                sum += part[a.at + ((row * a.streams + l) * a.slices + w) * a.width + i];
        }
        if (any)
            to[row * a.to.ld + a.to.col0 + h * a.to.head + d * a.to.dir_ + i] += sum;
    }
}
