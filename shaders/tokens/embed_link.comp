#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/embed.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Rows of one id as a list, an invocation a row: which row comes next, and whether none comes before. Every invocation
// goes over all rows, so that all have as many rounds.
layout(binding = 0) readonly  buffer Ids  { uint ids[]; };      // (R)
layout(binding = 1) writeonly buffer Link { uint link[]; };     // (R, 2): the next row or ROWS_NONE; 1 = the first
ROWS(2, Tok);
PUSH_ARGS(embed_args);

void main()
{
    for (uint tile = gl_WorkGroupID.x; tile * WG < Tok.n; tile += gl_NumWorkGroups.x) {
        const uint r = tile * WG + gl_LocalInvocationID.x;
        const uint id = ids[min(r, Tok.n - 1u)];
        uint next = ROWS_NONE, before = 0u;
        for (uint q = 0u; q < Tok.n; q++) {
            const bool same = ids[q] == id;
            before |= same && q < r ? 1u : 0u;
            next = same && q > r ? min(next, q) : next;
        }
        if (r < Tok.n) {
            link[2u * r] = next;
            link[2u * r + 1u] = before == 0u && id < a.vocab ? 1u : 0u;
        }
    }
}
