#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/patchify.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/tokens/inc/patch_lines.glsl"
// Cuts pictures into patches, one line of a patch an invocation.
layout(binding = 0) readonly  buffer Pixels { float pixels[]; };    // (B, channels * height * width)
layout(binding = 1) writeonly buffer Y      { float y[]; };         // (R, channels * patch * patch)

void main()
{
    FOR_LINES(picture, r0, i) {
        uint from, to;
        find_line(picture, r0, i, from, to);
        for (uint x = 0u; x < PATCH; x++)
            y[to + x] = pixels[from + x];
    }
}
