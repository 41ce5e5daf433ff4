#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/mse.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
// A workgroup strides over tiles of rows and leaves one partial sum.
layout(binding = 0) readonly  buffer A       { float va[]; };       // (R, C)
layout(binding = 1) readonly  buffer B       { float vb[]; };       // (R, C)
layout(binding = 2) writeonly buffer Partial { float partial[]; };  // (groups)
ROWS(3, Tok);
PUSH_ARGS(mse_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    float s = 0.0;
    for (uint tile = gl_WorkGroupID.x; tile * MSE_TILE < n; tile += gl_NumWorkGroups.x) {
        uint end = min(n, (tile + 1u) * MSE_TILE) * a.cols;
        for (uint i = tile * MSE_TILE * a.cols + gl_LocalInvocationID.x; i < end; i += WG) {
            float d = va[i] - vb[i];
            s += d * d;
        }
    }
    s = wg_sum(s);
    if (gl_LocalInvocationID.x == 0u)
        partial[gl_WorkGroupID.x] = s;
}
