// dwconv_window.glsl — a k x k window that slides along one line of an image's token grid.
//
// One invocation owns one channel and walks lines, so that each step loads one new column. Which tokens
// are there is the same for the whole workgroup. Include after ROWS(..., Tok) and PUSH_ARGS(dwconv_args).
// With QUADS defined it owns four channels, fetched as texels: all columns are counted in vec4 then.
#extension GL_EXT_control_flow_attributes : require
layout(constant_id = SPEC_DWCONV_K) const uint K = 3u;
const uint HALF = K / 2u;
#include "shaders/inc/quads.glsl"
#ifdef QUADS
// Weight I of own channels C, from the (C, K, K) floats of buffer F.
#define FILTER(F, C, I) vec4(F[(4u * (C)) * K * K + (I)], F[(4u * (C) + 1u) * K * K + (I)], \
                             F[(4u * (C) + 2u) * K * K + (I)], F[(4u * (C) + 3u) * K * K + (I)])
#else
#define FILTER(F, C, I) F[(C) * K * K + (I)]
#endif
// Row strides, first column and channels, in T.
#define CHANNELS (a.channels / T_LEN)
#define LD       (a.ld / T_LEN)
#define COL0     (a.col0 / T_LEN)

T window[K][K];

void window_clear()
{
    [[unroll]] for (uint i = 0u; i < K; i++)
        [[unroll]] for (uint j = 0u; j < K; j++)
            window[i][j] = T(0.0);
}

// Row of the token at (y, x) of image b, ROWS_NONE when it is off the grid (also by wrapping) or dropped.
uint grid_row(uint b, uint y, uint x)
{
    if (y >= a.grid_h || x >= a.grid_w)
        return ROWS_NONE;
    return ROWS_SLOT(Tok, b, a.prefix + y * a.grid_w + x);
}

// Shift by one column and take in column COL around line Y: after it, window[i][j] is the value of BUF at
// (Y + i - HALF, COL - HALF + j - HALF).
#define WINDOW_STEP(BUF, STRIDE, CH, B, Y, COL)                               \
    [[unroll]] for (uint i = 0u; i < K; i++) {                                \
        [[unroll]] for (uint j = 0u; j + 1u < K; j++)                         \
            window[i][j] = window[i][j + 1u];                                 \
        uint row_ = grid_row(B, (Y) + i - HALF, COL);                         \
        window[i][K - 1u] = T(0.0);                                           \
        if (row_ != ROWS_NONE)                                                \
            window[i][K - 1u] = LOAD(BUF, row_ * (STRIDE) + (CH));            \
    }

// The lines of part P of the grid.
#define FOR_LINES(LINE, P)                                                    \
    for (uint LINE = (P) * ((a.grid_h + a.splits - 1u) / a.splits);           \
         LINE < min(((P) + 1u) * ((a.grid_h + a.splits - 1u) / a.splits), a.grid_h); LINE++)
