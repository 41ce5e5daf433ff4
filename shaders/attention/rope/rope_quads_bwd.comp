#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/rope/rope.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// As rope_bwd.comp, four columns at a time, of pairs (j, j + rotary / 2).
layout(binding = 0) uniform samplerBuffer dy;                   // (R, ld)
layout(binding = 1) uniform samplerBuffer table;                // (P, rotary)
layout(binding = 2) uniform samplerBuffer before;               // (R, ld): what dx holds; each element is read, then
layout(binding = 3) writeonly buffer DX     { vec4 dx[]; };     // (R, ld) += written, by one invocation
layout(binding = 4) readonly  buffer Places { uint places[]; }; // (R), or nothing
ROWS(5, Tok);
PUSH_ARGS(rope_args);
#include "shaders/attention/rope/inc/rope_quads.glsl"

void main()
{
    uint ld = a.ld / 4u, step = a.tile_rows * ld, len = Tok.n * ld;
    for (uint i0 = gl_WorkGroupID.x * step; i0 < len; i0 += gl_NumWorkGroups.x * step)
        for (uint i = i0 + gl_LocalInvocationID.x; i < min(i0 + step, len); i += WG) {
            Quad q = get_quad(i, i / ld);
            vec4 v = texelFetch(dy, int(i)), w = texelFetch(dy, int(q.partner)), old = texelFetch(before, int(i));
            vec4 c = texelFetch(table, int(q.at)), s = texelFetch(table, int(q.at + a.rotary / 8u));
            vec4 turned = v * c - q.sign * w * s;
            dx[i] = old + (q.is_turned ? turned : v);
        }
}
