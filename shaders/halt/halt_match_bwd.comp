#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/halt_match.h"
#include "shaders/halt/halt_soft.h"
#include "shaders/halt/halt.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"
// An invocation a token.
layout(binding = 0) readonly buffer Soft    { vec2 soft_state[]; }; // (R) rows of SOFT_COLS
layout(binding = 1) readonly buffer Halting { vec4 halting[]; };    // (R) rows of HALT_COLS, the teacher's
layout(binding = 2) readonly buffer Prev    { vec4 prev[]; };       // (R)
layout(binding = 3) readonly buffer Keep    { float keep[]; };      // (1)
layout(binding = 4) readonly buffer Count   { float count[]; };     // (1)
layout(binding = 5) readonly buffer DLoss   { float dloss[]; };     // (1)
layout(binding = 6)          buffer DSoft   { vec2 dsoft[]; };      // (R) +=
ROWS(7, Tok);
PUSH_ARGS(halt_match_args);

void main()
{
    float each = dloss[0] / max(count[0], 1.0), pull = -2.0 * a.weight * keep[0] * a.inv_tau;
    for (uint row = gl_GlobalInvocationID.x; row < Tok.n; row += gl_NumWorkGroups.x * WG) {
        if (ROWS_POS(Tok, row) < a.kept || (a.has_prev != 0u && prev[row][HALT_C] >= HALT_DONE))
            continue;
        float h, rest, goes, stops;
        sigmoid_both(soft_state[row][SOFT_U], h, rest);
        sigmoid_both((a.full - soft_state[row][SOFT_C]) * a.inv_tau, goes, stops);
        vec2 d;
        d[SOFT_U] = each * (h - halting[row][HALT_H]);
        d[SOFT_C] = each * pull * (goes * stops);
        dsoft[row] += d;
    }
}
