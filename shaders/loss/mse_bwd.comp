#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/mse.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// dx += sign * dloss * 2 / (rows * cols) * (a - b)
layout(binding = 0) readonly buffer A     { float va[]; };      // (R, C)
layout(binding = 1) readonly buffer B     { float vb[]; };      // (R, C)
layout(binding = 2) readonly buffer DLoss { float dloss[]; };   // (1)
layout(binding = 3)          buffer DX    { float dx[]; };      // (R, C) +=
ROWS(4, Tok);
PUSH_ARGS(mse_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    float g = a.sign * 2.0 * dloss[0] / (float(max(n, 1u)) * float(a.cols));
    for (uint tile = gl_WorkGroupID.x; tile * MSE_TILE < n; tile += gl_NumWorkGroups.x) {
        uint end = min(n, (tile + 1u) * MSE_TILE) * a.cols;
        for (uint i = tile * MSE_TILE * a.cols + gl_LocalInvocationID.x; i < end; i += WG)
            dx[i] += g * (va[i] - vb[i]);
    }
}
