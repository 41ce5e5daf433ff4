#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/halt_soft.h"
#include "shaders/halt/halt.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"
// An invocation a token.
layout(binding = 0) readonly buffer Gate  { float gate[]; };    // (GATE_LEN)
layout(binding = 1) readonly buffer Out   { vec2 soft_state[]; };   // (R) rows of SOFT_COLS
layout(binding = 2) readonly buffer DOut  { vec2 dsoft[]; };    // (R)
layout(binding = 3)          buffer DX    { float dx[]; };      // (R, C) += channel 0
layout(binding = 4)          buffer DPrev { vec2 dprev[]; };    // (R) +=
ROWS(5, Tok);
PUSH_ARGS(halt_soft_args);

void main()
{
    for (uint row = gl_GlobalInvocationID.x; row < Tok.n; row += gl_NumWorkGroups.x * WG) {
        if (ROWS_POS(Tok, row) < a.kept)
            continue;
        vec2 d = dsoft[row];
        float h, rest;
        sigmoid_both(soft_state[row][SOFT_U], h, rest);
        dx[row * a.cols] += gate[GATE_SCALE] * (d[SOFT_U] + h * rest * d[SOFT_C]);
        if (a.has_prev != 0u)
            dprev[row][SOFT_C] += d[SOFT_C];
    }
}
