#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/embed.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// y[r] = table[ids[r]] + positions[place of r], LANES invocations a row.
layout(binding = 0) readonly  buffer Ids       { uint ids[]; };         // (R)
layout(binding = 1) readonly  buffer Table     { float table[]; };      // (V, C)
layout(binding = 2) readonly  buffer Positions { float positions[]; };  // (T, C), or none
layout(binding = 3) writeonly buffer Y         { float y[]; };          // (R, C)
ROWS(4, Tok);
PUSH_ARGS(embed_args);

void look_up(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW;
    if (row >= n)
        return;
    uint id = ids[row], place = ROWS_POS(Tok, row);
    for (uint j = LANE; j < COLS; j += LANES) {
        float v = id < a.vocab ? table[id * COLS + j] : 0.0;
        if (a.has_positions != 0u)
            v += positions[place * COLS + j];
        y[row * COLS + j] = v;
    }
}

void main()
{
    FOR_TILES(Tok.n, look_up);
}
