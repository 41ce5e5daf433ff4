#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/vit_tokens.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// One image a workgroup (x), its tokens split over y; LANES invocations a token.
layout(binding = 0) readonly  buffer Patches { float patches[]; };  // (Rp, C)
layout(binding = 1) readonly  buffer Pos     { float pos[]; };      // (T - pos_from, C)
layout(binding = 2) readonly  buffer Cls     { float cls[]; };      // (C), unless there is none
layout(binding = 3) readonly  buffer More    { float more[]; };     // (prefix - more_from, C), unless there is none
layout(binding = 4) writeonly buffer Y       { float y[]; };        // (R, C)
ROWS(5, Patch);
ROWS(6, Tok);
PUSH_ARGS(vit_tokens_args);

void main()
{
    for (uint b = gl_WorkGroupID.x; b < Tok.images; b += gl_NumWorkGroups.x) {
        uint end = ROWS_OFFSET(Tok, b + 1u), step = gl_NumWorkGroups.y * GROUP_ROWS;
        for (uint r = ROWS_OFFSET(Tok, b) + gl_WorkGroupID.y * GROUP_ROWS + GROUP_ROW; r < end; r += step) {
            uint p = ROWS_POS(Tok, r), q = ROWS_NONE;
            if (p >= a.prefix)
                q = ROWS_SLOT(Patch, b, p - a.prefix);
            for (uint j = LANE; j < COLS; j += LANES) {
                float v = p < a.pos_from ? 0.0 : pos[(p - a.pos_from) * COLS + j];
                if (p < a.prefix)
                    v += p < a.more_from ? cls[j] : more[(p - a.more_from) * COLS + j];
                else if (q != ROWS_NONE)
                    v += patches[q * COLS + j];
                y[r * COLS + j] = v;
            }
        }
    }
}
