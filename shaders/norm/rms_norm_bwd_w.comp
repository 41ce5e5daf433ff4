#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/rms_norm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Sums of dw over one block of rows (x) of one group (z), one invocation a column (y tiles).
layout(binding = 0) readonly  buffer X       { float x[]; };        // (R, ld)
layout(binding = 1) readonly  buffer Rstd    { float rstd[]; };     // (R, G)
layout(binding = 2) readonly  buffer DY      { float dy[]; };       // (R, ld)
layout(binding = 3) writeonly buffer Partial { float partial[]; };  // (blocks, G, D)
ROWS(4, Tok);
PUSH_ARGS(rms_norm_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    uint j = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x, block = gl_WorkGroupID.x, group = gl_WorkGroupID.z;
    if (j >= a.dim)
        return;
    uint each = (n + a.blocks - 1u) / a.blocks, end = min(n, (block + 1u) * each), col = a.col0 + group * a.dim + j;
    float sum = 0.0;
    for (uint r = block * each; r < end; r++)
        sum += dy[r * a.ld + col] * (x[r * a.ld + col] * rstd[r * a.groups + group]);
    partial[(block * a.groups + group) * a.dim + j] = sum;
}
