#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/rms_norm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Columns that are not normed, as they are: those before col0 and those behind the groups.
layout(binding = 0) readonly  buffer X { float x[]; };     // (R, ld)
layout(binding = 1) writeonly buffer Y { float y[]; };    // (R, ld)
ROWS(2, Tok);
PUSH_ARGS(rms_norm_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows, normed = a.groups * a.dim, rest = a.ld - normed;
    uint step = a.tile_rows * rest, len = n * rest;
    for (uint i0 = gl_WorkGroupID.x * step; i0 < len; i0 += gl_NumWorkGroups.x * step)
        for (uint i = i0 + gl_LocalInvocationID.x; i < min(i0 + step, len); i += WG) {
            uint j = i % rest, at = i / rest * a.ld + (j < a.col0 ? j : j + normed);
            y[at] = x[at];
        }
}
