#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/rope/rope.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// dx += dy turned back, element by element.
layout(binding = 0) readonly buffer DY    { float dy[]; };      // (R, ld)
layout(binding = 1) readonly buffer Table { float table[]; };   // (P, rotary)
layout(binding = 2)          buffer DX    { float dx[]; };      // (R, ld) +=
layout(binding = 3) readonly buffer Places { uint places[]; }; // (R), or nothing
ROWS(4, Tok);
PUSH_ARGS(rope_args);
#include "shaders/attention/rope/inc/rope.glsl"

void main()
{
    uint ld = a.ld, step = a.tile_rows * ld, len = Tok.n * ld;
    for (uint i0 = gl_WorkGroupID.x * step; i0 < len; i0 += gl_NumWorkGroups.x * step)
        for (uint i = i0 + gl_LocalInvocationID.x; i < min(i0 + step, len); i += WG) {
            uint row = i / ld, j = i % ld, place = get_place(row);
            float v = dy[i];
            if (is_turned(j, place)) {
                Pair p = get_pair(j);
                uint at = place * a.rotary + p.number;
                v = v * table[at] - p.sign * dy[row * ld + p.partner] * table[at + a.rotary / 2u];
            }
            dx[i] += v;
        }
}
