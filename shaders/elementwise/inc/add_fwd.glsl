// add_fwd.glsl — a + b; a tile of rows is one run of numbers, of vec4 with QUADS.
#include "shaders/elementwise/add.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/quads.glsl"
READ(0, va);                                                    // (R, C)
READ(1, vb);                                                    // (R, C)
layout(binding = 2) writeonly buffer Y { T y[]; };              // (R, C)
ROWS(3, Tok);
PUSH_ARGS(add_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows, cols = a.cols / T_LEN;
    for (uint tile = gl_WorkGroupID.x; tile * ADD_TILE < n; tile += gl_NumWorkGroups.x) {
        uint end = min(n, (tile + 1u) * ADD_TILE) * cols;
        for (uint i = tile * ADD_TILE * cols + gl_LocalInvocationID.x; i < end; i += WG)
            y[i] = LOAD(va, i) + LOAD(vb, i);
    }
}
