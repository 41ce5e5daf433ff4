#version 460
#extension GL_GOOGLE_include_directive : require
#include "dwconv.h"
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
ROWS(0, Tok);
layout(binding = 1) readonly  buffer X   { float x[]; };       // (R, ld)
layout(binding = 2) readonly  buffer W   { float w[]; };       // (C, K, K)
layout(binding = 3) readonly  buffer B   { float bias[]; };    // (C) or absent
layout(binding = 4) writeonly buffer Out { float y[]; };       // (R, C)
PUSH_ARGS(dwconv_args);
#include "inc/dwconv_window.glsl"

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
            y[row * a.channels + c] = 0.0;
    }
}

void main()
{
    uint c = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, line = gl_WorkGroupID.y, b = gl_WorkGroupID.z;
    if (b >= Tok.images || c >= a.channels)
        return;
    if (line == a.grid_h) {
        clear_rest(b, c);
        return;
    }
    float f[K * K], b0 = 0.0;
    [[unroll]] for (uint k = 0u; k < K * K; k++)
        f[k] = w[c * K * K + k];
    if (a.has_bias != 0u)
        b0 = bias[c];
    window_clear();
    for (uint col = 0u; col < a.grid_w + HALF; col++) {
        WINDOW_STEP(x, a.ld, a.col0 + c, b, line, col)
        uint row = grid_row(b, line, col - HALF);
        if (row == ROWS_NONE)
            continue;
        float s = b0;
        [[unroll]] for (uint i = 0u; i < K; i++)
            [[unroll]] for (uint j = 0u; j < K; j++)
                s += f[i * K + j] * window[i][j];
        y[row * a.channels + c] = s;
    }
}
