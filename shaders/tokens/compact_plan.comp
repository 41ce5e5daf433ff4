#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/compact.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/scan/inc/scan.glsl"
#include "shaders/inc/launches.glsl"
// Where each image starts in the new layout, how many rows there are, and the launches over them: one workgroup.
// An invocation has some neighbouring images to itself, so that a single scan is enough for any number.
layout(binding = 0) readonly buffer Count { uint count[]; };    // (cap_images)
ROWS(1, Tok);
ROWS_MADE(2, To);
LAUNCHES(3);
COMMANDS(4);
PUSH_ARGS(compact_plan_args);

void main()
{
    uint t = gl_LocalInvocationID.x, images = Tok.cap_images, each = (images - 1u) / WG + 1u;
    uint first = min(t * each, images), last = min(first + each, images), n = 0u;
    for (uint b = first; b < last; b++)
        n += count[b];
    uint at = wg_scan(n), total = SCAN_TOTAL;
    for (uint b = first; b < last; b++) {
        ROWS_OFFSET(To, b) = at;
        at += count[b];
    }
    if (t == 0u) {
        To.n = total;
        To.images = Tok.images;
        To.cap_images = images;
        To.cap_tokens = Tok.cap_tokens;
        ROWS_OFFSET(To, images) = total;
    }
    for (uint i = t; i < ROWS_MAX_LAUNCHES; i += WG)
        PLAN_LAUNCH(i, total, a.max_x)
}
