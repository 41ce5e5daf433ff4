#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/halt_soft.h"
#include "shaders/halt/halt.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"
// An invocation a token.
layout(binding = 0) readonly  buffer X    { float x[]; };       // (R, C)
layout(binding = 1) readonly  buffer Gate { float gate[]; };    // (GATE_LEN)
layout(binding = 2) readonly  buffer Prev { vec2 prev[]; };     // (R) rows of SOFT_COLS
layout(binding = 3) writeonly buffer Out  { vec2 soft_state[]; };   // (R)
ROWS(4, Tok);
PUSH_ARGS(halt_soft_args);

void main()
{
    for (uint row = gl_GlobalInvocationID.x; row < Tok.n; row += gl_NumWorkGroups.x * WG) {
        float u = gate[GATE_SCALE] * x[row * a.cols] - gate[GATE_CENTRE], h, rest;
        vec2 after;
        sigmoid_both(u, h, rest);
        after[SOFT_U] = u;
        after[SOFT_C] = (a.has_prev != 0u ? prev[row][SOFT_C] : 0.0) + h;
        soft_state[row] = ROWS_POS(Tok, row) < a.kept ? vec2(0.0) : after;
    }
}
