#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/hard_concrete.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// The gradient of a log_alpha that all rows share, over one block of rows (x), one invocation a column (y tiles).
layout(binding = 0) readonly  buffer LogAlpha { float log_alpha[]; };  // (C)
layout(binding = 1) readonly  buffer Key      { uint key[]; };         // (2), when sampled
layout(binding = 2) readonly  buffer X        { float x[]; };          // (R, C)
layout(binding = 3) readonly  buffer DY       { float dy[]; };         // (R, C)
layout(binding = 4) writeonly buffer Partial  { float partial[]; };    // (blocks, C)
ROWS(5, Tok);
PUSH_ARGS(hard_concrete_args);
#include "shaders/elementwise/inc/hard_concrete_at.glsl"

void main()
{
    uint n = a.rows != 0u ? a.rows : Tok.n;
    uint j = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x, block = gl_WorkGroupID.x;
    if (j >= a.cols)
        return;
    uint each = (n + a.blocks - 1u) / a.blocks, end = min(n, (block + 1u) * each);
    float sum = 0.0;
    for (uint r = block * each; r < end; r++) {
        uint e = r * a.cols + j;
        sum += gate_at(e).y * dy[e] * x[e];
    }
    partial[block * a.cols + j] = sum;
}
