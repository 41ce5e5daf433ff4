#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/conv/conv1d.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// The K - 1 inputs before a next token, oldest first; start where the image has none. One invocation a number.
ROWS(0, Tok);
PUSH_ARGS(conv1d_args);
#include "shaders/conv/inc/conv1d_walk.glsl"
layout(binding = 5) writeonly buffer Last { float last[]; };   // (images, N, K - 1)

void main()
{
    uint n = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, image_row = gl_WorkGroupID.z;
    if (n >= CHANNELS)
        return;
    walk_image(image_row);
    walk_channel(n);
    FOR(i, K - 1u)
        last[(image_row * CHANNELS + n) * (K - 1u) + i] = input_at(count + i);
}
