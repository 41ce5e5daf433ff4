#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/embed.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// Gradient of the table, LANES invocations a row, each with one of its columns (y tiles): the first row of an id adds
// up the list of its rows, in order, so that no two write to one row of the table and the sum is the same on every run.
layout(binding = 0) readonly buffer Ids    { uint ids[]; };         // (R)
layout(binding = 1) readonly buffer Link   { uint link[]; };        // (R, 2), of embed_link
layout(binding = 2) readonly buffer DY     { float dy[]; };         // (R, C)
layout(binding = 3)          buffer DTable { float dtable[]; };     // (V, C) +=
ROWS(4, Tok);
PUSH_ARGS(embed_args);

void add_up(uint tile, uint n)
{
    const uint row = tile * GROUP_ROWS + GROUP_ROW;
    const uint j = gl_WorkGroupID.y * LANES + LANE;
    if (row >= n || j >= COLS || link[2u * row + 1u] == 0u)
        return;
    float s = 0.0;
    for (uint q = row; q != ROWS_NONE; q = link[2u * q])
        s += dy[q * COLS + j];
    dtable[ids[row] * COLS + j] += s;
}

void main()
{
    FOR_TILES(Tok.n, add_up);
}
