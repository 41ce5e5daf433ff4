#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/embed.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// Gradient of the position of a place (x): the sum over the samples, in order, one invocation a column (y tiles).
layout(binding = 0) readonly buffer DY         { float dy[]; };             // (R, C)
layout(binding = 1)          buffer DPositions { float dpositions[]; };     // (T, C) +=
ROWS(2, Tok);
PUSH_ARGS(embed_args);

void main()
{
    uint j = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x, place = gl_WorkGroupID.x;
    if (j >= a.cols)
        return;
    float s = 0.0;
    for (uint b = 0u; b < Tok.images; b++) {
        uint r = ROWS_SLOT(Tok, b, place);
        if (r != ROWS_NONE)
            s += dy[r * a.cols + j];
    }
    dpositions[place * a.cols + j] += s;
}
