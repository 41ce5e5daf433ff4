#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/compact.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/scan/inc/scan.glsl"
// How many rows of each image are kept, a workgroup an image.
layout(binding = 0) readonly  buffer Keep  { uint keep[]; };    // (R) not 0 = kept
layout(binding = 1) writeonly buffer Count { uint count[]; };   // (cap_images)
ROWS(2, Tok);

void main()
{
    uint t = gl_LocalInvocationID.x;
    for (uint image = gl_WorkGroupID.x; image < Tok.cap_images; image += gl_NumWorkGroups.x) {
        uint last = ROWS_OFFSET(Tok, image + 1u), n = 0u;
        for (uint r = ROWS_OFFSET(Tok, image) + t; r < last; r += WG)
            n += keep[r] != 0u ? 1u : 0u;
        wg_scan(n);
        if (t == 0u)
            count[image] = SCAN_TOTAL;
    }
}
