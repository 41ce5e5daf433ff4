#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention_match.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
// A workgroup strides over tiles of rows and leaves one partial sum of the losses and one of the entropies.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer Terms   { vec2 terms[]; };    // (R, H)
layout(binding = 2) writeonly buffer Loss    { float loss[]; };    // (groups)
layout(binding = 3) writeonly buffer Entropy { float entropy[]; }; // (groups)
PUSH_ARGS(attention_match_args);

void main()
{
    const uint tile_rows = uint(ATTENTION_MATCH_TILE);
    vec2 s = vec2(0.0);
    for (uint tile = gl_WorkGroupID.x; tile * tile_rows < Tok.n; tile += gl_NumWorkGroups.x) {
        uint end = min(Tok.n, (tile + 1u) * tile_rows) * a.heads;
        for (uint i = tile * tile_rows * a.heads + gl_LocalInvocationID.x; i < end; i += WG)
            s += terms[i];
    }
    float all_loss = wg_sum(s.x), all_entropy = wg_sum(s.y);
    if (gl_LocalInvocationID.x == 0u) {
        loss[gl_WorkGroupID.x] = all_loss;
        entropy[gl_WorkGroupID.x] = all_entropy;
    }
}
