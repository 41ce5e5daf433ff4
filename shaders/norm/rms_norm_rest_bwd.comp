#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/rms_norm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Gradient of the columns that are not normed.
layout(binding = 0) readonly  buffer DY { float dy[]; };    // (R, ld)
layout(binding = 1)          buffer DX { float dx[]; };    // (R, ld) +=
ROWS(2, Tok);
PUSH_ARGS(rms_norm_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows, normed = a.groups * a.dim, rest = a.ld - normed;
    uint step = a.tile_rows * rest, len = n * rest;
    for (uint i0 = gl_WorkGroupID.x * step; i0 < len; i0 += gl_NumWorkGroups.x * step)
        for (uint i = i0 + gl_LocalInvocationID.x; i < min(i0 + step, len); i += WG) {
            uint j = i % rest, at = i / rest * a.ld + (j < a.col0 ? j : j + normed);
            dx[at] += dy[at];
        }
}
