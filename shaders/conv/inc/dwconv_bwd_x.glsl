// dwconv_bwd_x.glsl — the same walk over the output's gradient, with the filter turned by half a circle.
#include "shaders/conv/dwconv.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(dwconv_args);
#include "shaders/conv/inc/dwconv_window.glsl"
layout(binding = 1) readonly buffer W  { float w[]; };         // (C, K, K)
READ(2, dy);                                                   // (R, C)
layout(binding = 3)          buffer DX { T dx[]; };            // (R, ld) += in the columns of the channels

void main()
{
    uint c = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, b = gl_WorkGroupID.z;
    if (b >= Tok.images || c >= CHANNELS)
        return;
    T f[K * K];
    [[unroll]] for (uint k = 0u; k < K * K; k++)
        f[k] = FILTER(w, c, k);
    FOR_LINES(line, gl_WorkGroupID.y) {
        window_clear();
        for (uint col = 0u; col < a.grid_w + HALF; col++) {
            WINDOW_STEP(dy, CHANNELS, c, b, line, col)
            uint row = grid_row(b, line, col - HALF);
            if (row == ROWS_NONE)
                continue;
            T s = T(0.0);
            [[unroll]] for (uint i = 0u; i < K; i++)
                [[unroll]] for (uint j = 0u; j < K; j++)
                    s += f[K * K - 1u - i * K - j] * window[i][j];
            dx[row * LD + COL0 + c] += s;
        }
    }
}
