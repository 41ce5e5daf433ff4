#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/layernorm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Sums of dgamma and dbeta over one block of rows (x), one invocation a column (y tiles).
layout(binding = 0) readonly  buffer X       { float x[]; };        // (R, C)
layout(binding = 1) readonly  buffer Mean    { float mean[]; };     // (R)
layout(binding = 2) readonly  buffer Rstd    { float rstd[]; };     // (R)
layout(binding = 3) readonly  buffer DY      { float dy[]; };       // (R, C)
layout(binding = 4) writeonly buffer Partial { float partial[]; };  // (blocks, 2, C)
ROWS(5, Tok);
PUSH_ARGS(layernorm_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    uint j = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x, block = gl_WorkGroupID.x;
    if (j >= a.cols)
        return;
    uint each = (n + a.blocks - 1u) / a.blocks, end = min(n, (block + 1u) * each);
    float dg = 0.0, db = 0.0;
    for (uint r = block * each; r < end; r++) {
        float g = dy[r * a.cols + j];
        dg += g * ((x[r * a.cols + j] - mean[r]) * rstd[r]);
        db += g;
    }
    partial[2u * block * a.cols + j] = dg;
    partial[(2u * block + 1u) * a.cols + j] = db;
}
