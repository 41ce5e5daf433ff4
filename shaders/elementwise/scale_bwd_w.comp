#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/scale.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Sums of factor x dy over one block of rows (x), one invocation a column (y tiles).
layout(binding = 0) readonly  buffer X       { float x[]; };        // (R, C)
layout(binding = 1) readonly  buffer DY      { float dy[]; };       // (R, C)
layout(binding = 2) writeonly buffer Partial { float partial[]; };  // (blocks, C)
ROWS(3, Tok);
PUSH_ARGS(scale_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    uint j = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x, block = gl_WorkGroupID.x;
    if (j >= a.cols)
        return;
    uint each = (n + a.blocks - 1u) / a.blocks, end = min(n, (block + 1u) * each);
    float sum = 0.0;
    for (uint r = block * each; r < end; r++)
        sum += dy[r * a.cols + j] * x[r * a.cols + j];
    partial[block * a.cols + j] = a.factor * sum;
}
