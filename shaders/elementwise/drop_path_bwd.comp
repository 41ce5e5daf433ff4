#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/drop_path.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/elementwise/inc/drop_path.glsl"
// dx += scale * dy where the branch was kept. Workgroups as in the forward pass.
layout(binding = 0) readonly buffer Key { uint key[]; };        // (2)
layout(binding = 1) readonly buffer DY  { float dy[]; };        // (R, C)
layout(binding = 2)          buffer DX  { float dx[]; };        // (R, C) +=
ROWS(3, Tok);
PUSH_ARGS(drop_path_args);

void main()
{
    for (uint b = gl_WorkGroupID.x; b < Tok.images; b += gl_NumWorkGroups.x) {
        if (!drop_path_keeps(uvec2(key[0], key[1]), a, b))
            continue;
        uint i = ROWS_OFFSET(Tok, b) * a.cols + gl_WorkGroupID.y * WG + gl_LocalInvocationID.x;
        uint end = ROWS_OFFSET(Tok, b + 1u) * a.cols;
        for (; i < end; i += gl_NumWorkGroups.y * WG)
            dx[i] += a.scale * dy[i];
    }
}
