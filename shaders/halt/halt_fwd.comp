#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/halt.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"
// An invocation a token.
layout(binding = 0) readonly  buffer X    { float x[]; };       // (R, C)
layout(binding = 1) readonly  buffer Gate { float gate[]; };    // (GATE_LEN)
layout(binding = 2) readonly  buffer Prev { vec4 prev[]; };     // (R) rows of HALT_COLS
layout(binding = 3) writeonly buffer Out  { vec4 halting[]; };  // (R)
layout(binding = 4) writeonly buffer Keep { uint keep[]; };     // (R)
ROWS(5, Tok);
PUSH_ARGS(halt_args);

// By its bits, for no driver must keep NaN in comparisons; min() and max() inside sigmoid_both() drop it.
bool is_nan(float v)
{
    return (floatBitsToUint(v) & 0x7fffffffu) > 0x7f800000u;
}

void main()
{
    for (uint row = gl_GlobalInvocationID.x; row < Tok.n; row += gl_NumWorkGroups.x * WG) {
        vec4 before = a.has_prev != 0u ? prev[row] : vec4(0.0, 0.0, 1.0, 0.0);
        float v = x[row * a.cols], u = gate[GATE_SCALE] * v - gate[GATE_CENTRE], h, rest;
        float c = before[HALT_C], r = before[HALT_R];
        bool runs = c < HALT_DONE, is_number = !is_nan(v) && !is_nan(u);
        sigmoid_both(u, h, rest);
        bool stays = ROWS_POS(Tok, row) < a.kept;
        if (!is_number)
            h = uintBitsToFloat(0x7fc00000u);
        else if (stays)
            h = 0.0;
        c += h;
        bool goes_on = runs && is_number && c < a.full && a.last == 0u;
        vec4 after;
        after[HALT_P] = goes_on ? h : runs ? r : 0.0;
        after[HALT_C] = goes_on ? c : HALT_DONE;
        after[HALT_R] = goes_on ? r - h : runs ? 0.0 : r;
        after[HALT_H] = runs ? h : 0.0;
        halting[row] = after;
        keep[row] = goes_on || stays ? 1u : 0u;
    }
}
