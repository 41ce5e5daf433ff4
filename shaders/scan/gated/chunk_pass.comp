#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/inc/chunk.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
#include "shaders/scan/inc/chunk.glsl"
// One invocation an element of the state: S of the next chunk = exp(its decay) S + what the chunk adds. In
// place: a slot has what the chunk adds (from zero) and gets the state before it.
layout(binding = 1)           buffer State { float state[]; }; // (images, chunks, streams, dk, dv)
layout(binding = 2) readonly  buffer Decay { float decay[]; }; // (images, chunks, streams, 1 or dk) sums of g
layout(binding = 3) readonly  buffer Start { float start[]; }; // (images, heads dirs, dk, dv)
layout(binding = 4) writeonly buffer Last  { float last[]; };  // (images, heads dirs, dk, dv)
PUSH_ARGS(chunk_pass_args);

void main()
{
    chunk_stream t = chunk_stream_get(a.stream0, a.dirs, 1u);
    uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, size = a.dk * a.dv;
    if (e >= size)
        return;
    uint at = (t.image * a.heads * a.dirs + t.s) * size + e;
    float S = 0.0;
    if (a.has_start != 0u && t.n > 0u)
        S = start[at];
    for (uint i = 0u; i < chunk_count(t); i++) {
        uint slot = chunk_slot(t, a.chunks, chunk_at(t, i), a.streams);
        float add = state[slot * size + e];
        state[slot * size + e] = S;
        float g = CHANNELS == 0u ? decay[slot] : decay[slot * a.dk + e / a.dv];
        S = chunk_carry(S, g, add);
    }
    if (a.has_last != 0u)
        last[at] = S;
}
