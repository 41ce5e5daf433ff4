#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/elementwise/drop_path.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/elementwise/inc/drop_path.glsl"
// Workgroups (x, y) stride over images and over the numbers of an image.
layout(binding = 0) readonly  buffer X   { float x[]; };        // (R, C)
layout(binding = 1) readonly  buffer Key { uint key[]; };       // (2)
layout(binding = 2) writeonly buffer Y   { float y[]; };        // (R, C)
ROWS(3, Tok);
PUSH_ARGS(drop_path_args);

void main()
{
    for (uint b = gl_WorkGroupID.x; b < Tok.images; b += gl_NumWorkGroups.x) {
        bool keeps = drop_path_keeps(uvec2(key[0], key[1]), a, b);
        uint i = ROWS_OFFSET(Tok, b) * a.cols + gl_WorkGroupID.y * WG + gl_LocalInvocationID.x;
        uint end = ROWS_OFFSET(Tok, b + 1u) * a.cols;
        for (; i < end; i += gl_NumWorkGroups.y * WG)
            y[i] = keeps ? a.scale * x[i] : 0.0;
    }
}
