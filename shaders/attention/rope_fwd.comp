#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/rope.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Element by element.
layout(binding = 0) readonly  buffer X     { float x[]; };      // (R, 3C)
layout(binding = 1) readonly  buffer Table { float table[]; };  // (P, D): cosines, then sines, of D / 2 pairs each
layout(binding = 2) writeonly buffer Y     { float y[]; };      // (R, 3C)
ROWS(3, Tok);
PUSH_ARGS(rope_args);
#include "shaders/attention/inc/rope.glsl"

void main()
{
    uint ld = 3u * a.cols, step = a.tile_rows * ld, len = Tok.n * ld;
    for (uint i0 = gl_WorkGroupID.x * step; i0 < len; i0 += gl_NumWorkGroups.x * step)
        for (uint i = i0 + gl_LocalInvocationID.x; i < min(i0 + step, len); i += WG) {
            uint row = i / ld, j = i % ld, place = ROWS_POS(Tok, row);
            float v = x[i];
            if (j < 2u * a.cols && place >= a.prefix) {
                Pair p = get_pair(j);
                uint at = (place - a.prefix) * a.head_dim + p.number;
                v = v * table[at] + p.sign * x[row * ld + p.partner] * table[at + a.head_dim / 2u];
            }
            y[i] = v;
        }
}
