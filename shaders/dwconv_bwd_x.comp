#version 460
#extension GL_GOOGLE_include_directive : require
#include "dwconv.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
// The same walk over the output's gradient, with the filter turned by half a circle.
ROWS(0, Tok);
layout(binding = 1) readonly buffer W  { float w[]; };         // (C, K, K)
layout(binding = 2) readonly buffer DY { float dy[]; };        // (R, C)
layout(binding = 3)          buffer DX { float dx[]; };        // (R, ld) += in the columns of the channels
PUSH_ARGS(dwconv_args);
#include "inc/dwconv_window.glsl"

void main()
{
    uint c = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, line = gl_WorkGroupID.y, b = gl_WorkGroupID.z;
    if (b >= Tok.images || c >= a.channels)
        return;
    float f[K * K];
    [[unroll]] for (uint k = 0u; k < K * K; k++)
        f[k] = w[c * K * K + k];
    window_clear();
    for (uint col = 0u; col < a.grid_w + HALF; col++) {
        WINDOW_STEP(dy, a.channels, c, b, line, col)
        uint row = grid_row(b, line, col - HALF);
        if (row == ROWS_NONE)
            continue;
        float s = 0.0;
        [[unroll]] for (uint i = 0u; i < K; i++)
            [[unroll]] for (uint j = 0u; j < K; j++)
                s += f[K * K - 1u - i * K - j] * window[i][j];
        dx[row * a.ld + a.col0 + c] += s;
    }
}
