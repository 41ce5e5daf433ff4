// add_bwd.glsl — the gradient of a sum passes through to each of what it adds.
#include "shaders/elementwise/add.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/quads.glsl"
READ(0, dy);                                                    // (R, C)
layout(binding = 1) buffer DX { T dx[]; };                      // (R, C) +=
ROWS(2, Tok);
PUSH_ARGS(add_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows, cols = a.cols / T_LEN;
    for (uint tile = gl_WorkGroupID.x; tile * ADD_TILE < n; tile += gl_NumWorkGroups.x) {
        uint end = min(n, (tile + 1u) * ADD_TILE) * cols;
        for (uint i = tile * ADD_TILE * cols + gl_LocalInvocationID.x; i < end; i += WG)
            dx[i] += LOAD(dy, i);
    }
}
