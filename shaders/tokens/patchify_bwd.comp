#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/patchify.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/tokens/inc/patch_lines.glsl"
// Every pixel is in one patch, so nothing collides.
layout(binding = 0) readonly buffer DY      { float dy[]; };        // (R, channels * patch * patch)
layout(binding = 1)          buffer DPixels { float dpixels[]; };   // (B, channels * height * width) +=

void main()
{
    FOR_LINES(picture, r0, i) {
        uint to, from;
        find_line(picture, r0, i, to, from);
        for (uint x = 0u; x < PATCH; x++)
            dpixels[to + x] += dy[from + x];
    }
}
