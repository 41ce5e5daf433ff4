// dwconv_bwd_w.glsl — an invocation sums its channels' dw and db over some lines of one image, in order.
#include "shaders/conv/dwconv.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(dwconv_args);
#include "shaders/conv/inc/dwconv_window.glsl"
READ(1, x);                                                    // (R, ld)
READ(2, dy);                                                   // (R, C)
layout(binding = 3) writeonly buffer Part { T part[]; };       // (images, splits, K K + 1, C)

void main()
{
    uint c = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, b = gl_WorkGroupID.z;
    if (b >= Tok.images || c >= CHANNELS)
        return;
    T g[K * K + 1u];
    [[unroll]] for (uint k = 0u; k <= K * K; k++)
        g[k] = T(0.0);
    FOR_LINES(line, gl_WorkGroupID.y) {
        window_clear();
        for (uint col = 0u; col < a.grid_w + HALF; col++) {
            WINDOW_STEP(x, LD, COL0 + c, b, line, col)
            uint row = grid_row(b, line, col - HALF);
            if (row == ROWS_NONE)
                continue;
            T d = LOAD(dy, row * CHANNELS + c);
            [[unroll]] for (uint i = 0u; i < K; i++)
                [[unroll]] for (uint j = 0u; j < K; j++)
                    g[i * K + j] += d * window[i][j];
            g[K * K] += d;
        }
    }
    uint out0 = (b * a.splits + gl_WorkGroupID.y) * (K * K + 1u);
    [[unroll]] for (uint k = 0u; k <= K * K; k++)
        part[(out0 + k) * CHANNELS + c] = g[k];
}
