#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/rope/rope.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// As rope_fwd.comp, four columns at a time, of pairs (j, j + rotary / 2).
layout(binding = 0) uniform samplerBuffer x;                    // (R, ld)
layout(binding = 1) uniform samplerBuffer table;                // (P, rotary): cosines, then sines, of each pair
layout(binding = 2) writeonly buffer Y      { vec4 y[]; };      // (R, ld)
layout(binding = 3) readonly  buffer Places { uint places[]; }; // (R), or nothing
ROWS(4, Tok);
PUSH_ARGS(rope_args);
#include "shaders/attention/rope/inc/rope_quads.glsl"

void main()
{
    uint ld = a.ld / 4u, step = a.tile_rows * ld, len = Tok.n * ld;
    for (uint i0 = gl_WorkGroupID.x * step; i0 < len; i0 += gl_NumWorkGroups.x * step)
        for (uint i = i0 + gl_LocalInvocationID.x; i < min(i0 + step, len); i += WG) {
            Quad q = get_quad(i, i / ld);
            vec4 v = texelFetch(x, int(i)), w = texelFetch(x, int(q.partner));
            vec4 c = texelFetch(table, int(q.at)), s = texelFetch(table, int(q.at + a.rotary / 8u));
            vec4 turned = v * c + q.sign * w * s;
            y[i] = q.is_turned ? turned : v;
        }
}
