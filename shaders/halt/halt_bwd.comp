#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/halt.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// An invocation a token. Who was done, and when, is what forward says: it is not decided again.
layout(binding = 0) readonly buffer Gate  { float gate[]; };    // (GATE_LEN)
layout(binding = 1) readonly buffer Prev  { vec4 prev[]; };     // (R) rows of HALT_COLS
layout(binding = 2) readonly buffer Out   { vec4 halting[]; };  // (R)
layout(binding = 3) readonly buffer DOut  { vec4 dhalting[]; }; // (R)
layout(binding = 4)          buffer DX    { float dx[]; };      // (R, C) += channel 0
layout(binding = 5)          buffer DPrev { vec4 dprev[]; };    // (R) +=
ROWS(6, Tok);
PUSH_ARGS(halt_args);

void main()
{
    for (uint row = gl_GlobalInvocationID.x; row < Tok.n; row += gl_NumWorkGroups.x * WG) {
        vec4 after = halting[row], d = dhalting[row];
        bool runs = a.has_prev == 0u || prev[row][HALT_C] < HALT_DONE, goes_on = after[HALT_C] < HALT_DONE;
        float h = after[HALT_H];
        float dh = d[HALT_H] + (goes_on ? d[HALT_P] + d[HALT_C] - d[HALT_R] : 0.0);
        if (runs)
            dx[row * a.cols] += gate[GATE_SCALE] * (h * (1.0 - h)) * dh;
        if (a.has_prev != 0u) {
            dprev[row][HALT_R] += goes_on || !runs ? d[HALT_R] : d[HALT_P];
            if (goes_on)
                dprev[row][HALT_C] += d[HALT_C];
        }
    }
}
