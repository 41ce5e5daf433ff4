#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/halt_tally.h"
#include "shaders/halt/halt.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
// A workgroup strides over the rows and leaves three partial sums.
layout(binding = 0) readonly  buffer Halting { vec4 halting[]; };   // (R) rows of HALT_COLS
layout(binding = 1) readonly  buffer Prev    { vec4 prev[]; };      // (R)
layout(binding = 2) writeonly buffer Partial { float partial[]; };  // (n_partials, TALLY_COLS)
ROWS(3, Tok);
PUSH_ARGS(halt_tally_args);

void main()
{
    float ponder = 0.0, score = 0.0, alive = 0.0;
    for (uint row = gl_GlobalInvocationID.x; row < Tok.n; row += gl_NumWorkGroups.x * WG) {
        if (ROWS_POS(Tok, row) < a.kept)
            continue;
        alive += 1.0;
        if (a.has_prev != 0u && prev[row][HALT_C] >= HALT_DONE)
            continue;
        vec4 v = halting[row];
        ponder += 1.0 + (v[HALT_C] >= HALT_DONE ? v[HALT_P] : 0.0);
        score += v[HALT_H];
    }
    ponder = wg_sum(ponder);
    score = wg_sum(score);
    alive = wg_sum(alive);
    if (gl_LocalInvocationID.x != 0u)
        return;
    partial[gl_WorkGroupID.x * TALLY_COLS + TALLY_PONDER] = ponder;
    partial[gl_WorkGroupID.x * TALLY_COLS + TALLY_SCORE] = score;
    partial[gl_WorkGroupID.x * TALLY_COLS + TALLY_ALIVE] = alive;
}
