#version 460
#extension GL_GOOGLE_include_directive : require
#include "dwconv.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
// One invocation sums one channel's dw and db over one part of one image's lines, in order.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer X    { float x[]; };      // (R, ld)
layout(binding = 2) readonly  buffer DY   { float dy[]; };     // (R, C)
layout(binding = 3) writeonly buffer Part { float part[]; };   // (images, splits, K K + 1, C)
PUSH_ARGS(dwconv_args);
#include "inc/dwconv_window.glsl"

void main()
{
    uint c = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, b = gl_WorkGroupID.z;
    if (b >= Tok.images || c >= a.channels)
        return;
    float g[K * K + 1u];
    [[unroll]] for (uint k = 0u; k <= K * K; k++)
        g[k] = 0.0;
    uint lines = (a.grid_h + a.splits - 1u) / a.splits, y0 = gl_WorkGroupID.y * lines;
    for (uint line = y0; line < min(y0 + lines, a.grid_h); line++) {
        window_clear();
        for (uint col = 0u; col < a.grid_w + HALF; col++) {
            WINDOW_STEP(x, a.ld, a.col0 + c, b, line, col)
            uint row = grid_row(b, line, col - HALF);
            if (row == ROWS_NONE)
                continue;
            float d = dy[row * a.channels + c];
            [[unroll]] for (uint i = 0u; i < K; i++)
                [[unroll]] for (uint j = 0u; j < K; j++)
                    g[i * K + j] += d * window[i][j];
            g[K * K] += d;
        }
    }
    uint out0 = (b * a.splits + gl_WorkGroupID.y) * (K * K + 1u);
    [[unroll]] for (uint k = 0u; k <= K * K; k++)
        part[(out0 + k) * a.channels + c] = g[k];
}
