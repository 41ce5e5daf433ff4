#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/vit_tokens.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// One image a workgroup (x), its patches split over y; LANES invocations a patch.
layout(binding = 0) readonly buffer DY       { float dy[]; };       // (R, C)
layout(binding = 1)          buffer DPatches { float dpatches[]; }; // (Rp, C) +=
ROWS(2, Patch);
ROWS(3, Tok);
PUSH_ARGS(vit_tokens_args);

void main()
{
    for (uint b = gl_WorkGroupID.x; b < Patch.images; b += gl_NumWorkGroups.x) {
        uint end = ROWS_OFFSET(Patch, b + 1u), step = gl_NumWorkGroups.y * GROUP_ROWS;
        for (uint q = ROWS_OFFSET(Patch, b) + gl_WorkGroupID.y * GROUP_ROWS + GROUP_ROW; q < end; q += step) {
            uint r = ROWS_SLOT(Tok, b, ROWS_POS(Patch, q) + a.prefix);
            if (r == ROWS_NONE)
                continue;
            for (uint j = LANE; j < COLS; j += LANES)
                dpatches[q * COLS + j] += dy[r * COLS + j];
        }
    }
}
