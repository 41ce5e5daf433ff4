#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/embed.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Gradient of the table, a workgroup a row: the first row that has an id adds up all rows that have it, in order, so
// that no two workgroups write to one row of the table and the sum is the same on every run.
layout(binding = 0) readonly buffer Ids    { uint ids[]; };         // (R)
layout(binding = 1) readonly buffer DY     { float dy[]; };         // (R, C)
layout(binding = 2)          buffer DTable { float dtable[]; };     // (V, C) +=
ROWS(3, Tok);
PUSH_ARGS(embed_args);
shared uint is_taken;               // does an earlier row have the id?
shared uint same[WG];               // do the rows of this round?

void main()
{
    const uint me = gl_LocalInvocationID.x;
    for (uint r = gl_WorkGroupID.x; r < Tok.n; r += gl_NumWorkGroups.x) {
        const uint id = ids[r];
        if (me == 0u)
            is_taken = id < a.vocab ? 0u : 1u;
        barrier();
        bool found = false;
        for (uint q = me; q < r; q += WG)
            found = found || ids[q] == id;
        if (found)
            atomicOr(is_taken, 1u);
        barrier();
        const bool is_first = is_taken == 0u;
        for (uint base = is_first ? r : Tok.n; base < Tok.n; base += WG) {
            same[me] = base + me < Tok.n && ids[min(base + me, Tok.n - 1u)] == id ? 1u : 0u;
            barrier();
            for (uint k = 0u; k < WG; k++)
                if (same[k] != 0u)
                    for (uint j = me; j < a.cols; j += WG)
                        dtable[id * a.cols + j] += dy[(base + k) * a.cols + j];
            barrier();
        }
        barrier();
    }
}
