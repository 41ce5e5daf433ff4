#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear/linear.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Column sums of the gradient before the activation, one partial sum a split: an invocation per column
// walks its rows in order.
layout(binding = 0) readonly  buffer DPre { float dpre[]; };   // (R, N)
layout(binding = 1) writeonly buffer Part { float part[]; };   // (splits, N)
ROWS(2, Tok);
PUSH_ARGS(linear_args);

void main()
{
    uint n = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (n >= a.out_cols)
        return;
    uint rows = a.rows != 0u ? a.rows : Tok.n, chunk = (rows + a.splits - 1u) / a.splits;
    uint r0 = min(gl_WorkGroupID.z * chunk, rows), r1 = min(r0 + chunk, rows);
    float sum = 0.0;
    for (uint r = r0; r < r1; r++)
        sum += dpre[r * a.out_cols + n];
    part[gl_WorkGroupID.z * a.out_cols + n] = sum;
}
