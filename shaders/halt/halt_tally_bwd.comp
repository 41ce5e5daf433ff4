#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/halt_tally.h"
#include "shaders/halt/halt.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// An invocation a token; column P where it is done here, column H where it was running.
layout(binding = 0) readonly buffer Halting  { vec4 halting[]; };   // (R) rows of HALT_COLS
layout(binding = 1) readonly buffer Prev     { vec4 prev[]; };      // (R)
layout(binding = 2) readonly buffer DTally   { float dtally[]; };   // (layers, TALLY_COLS)
layout(binding = 3)          buffer DHalting { vec4 dhalting[]; };  // (R) +=
ROWS(4, Tok);
PUSH_ARGS(halt_tally_args);

void main()
{
    float tokens = float(max(Tok.images, 1u)) * float(a.patches);
    float dponder = dtally[a.layer * TALLY_COLS + TALLY_PONDER] / tokens;
    float dscore = dtally[a.layer * TALLY_COLS + TALLY_SCORE] / tokens;
    for (uint row = gl_GlobalInvocationID.x; row < Tok.n; row += gl_NumWorkGroups.x * WG) {
        if (ROWS_POS(Tok, row) < a.kept || (a.has_prev != 0u && prev[row][HALT_C] >= HALT_DONE))
            continue;
        dhalting[row][HALT_H] += dscore;
        if (halting[row][HALT_C] >= HALT_DONE)
            dhalting[row][HALT_P] += dponder;
    }
}
