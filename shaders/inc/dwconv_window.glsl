// dwconv_window.glsl — a k x k window that slides along one line of an image's token grid.
//
// One invocation owns one channel and walks the line, so that each step loads one new column. Which tokens
// are there is the same for the whole workgroup. Include after ROWS(..., Tok) and PUSH_ARGS(dwconv_args).
#extension GL_EXT_control_flow_attributes : require
layout(constant_id = SPEC_DWCONV_K) const uint K = 3u;
const uint HALF = K / 2u;
float window[K][K];

void window_clear()
{
    [[unroll]] for (uint i = 0u; i < K; i++)
        [[unroll]] for (uint j = 0u; j < K; j++)
            window[i][j] = 0.0;
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
#define WINDOW_STEP(BUF, LD, CH, B, Y, COL)                                   \
    [[unroll]] for (uint i = 0u; i < K; i++) {                                \
        [[unroll]] for (uint j = 0u; j + 1u < K; j++)                         \
            window[i][j] = window[i][j + 1u];                                 \
        uint row_ = grid_row(B, (Y) + i - HALF, COL);                         \
        window[i][K - 1u] = 0.0;                                              \
        if (row_ != ROWS_NONE)                                                \
            window[i][K - 1u] = BUF[row_ * (LD) + (CH)];                      \
    }
