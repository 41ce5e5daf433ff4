// dwconv_fwd.glsl — the convolution: an invocation walks some lines of one image's grid.
#include "shaders/conv/dwconv.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(dwconv_args);
#include "shaders/conv/inc/dwconv_window.glsl"
READ(1, x);                                                    // (R, ld)
layout(binding = 2) readonly  buffer W   { float w[]; };       // (C, K, K)
layout(binding = 3) readonly  buffer B   { T bias[]; };        // (C) or absent
layout(binding = 4) writeonly buffer Out { T y[]; };           // (R, C)

// Tokens before and after the grid.
void clear_rest(uint b, uint c)
{
    uint grid = a.grid_h * a.grid_w;
    for (uint p = 0u; p < Tok.cap_tokens; p++) {
        if (p == a.prefix)
            p += grid;
        if (p >= Tok.cap_tokens)
            break;
        uint row = ROWS_SLOT(Tok, b, p);
        if (row != ROWS_NONE)
            y[row * CHANNELS + c] = T(0.0);
    }
}

void main()
{
    uint c = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, b = gl_WorkGroupID.z;
    if (b >= Tok.images || c >= CHANNELS)
        return;
    if (gl_WorkGroupID.y == a.splits) {
        clear_rest(b, c);
        return;
    }
    T f[K * K], b0 = T(0.0);
    [[unroll]] for (uint k = 0u; k < K * K; k++)
        f[k] = FILTER(w, c, k);
    if (a.has_bias != 0u)
        b0 = bias[c];
    FOR_LINES(line, gl_WorkGroupID.y) {
        window_clear();
        for (uint col = 0u; col < a.grid_w + HALF; col++) {
            WINDOW_STEP(x, LD, COL0 + c, b, line, col)
            uint row = grid_row(b, line, col - HALF);
            if (row == ROWS_NONE)
                continue;
            T s = b0;
            [[unroll]] for (uint i = 0u; i < K; i++)
                [[unroll]] for (uint j = 0u; j < K; j++)
                    s += f[i * K + j] * window[i][j];
            y[row * CHANNELS + c] = s;
        }
    }
}
