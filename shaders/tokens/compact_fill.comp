#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/tokens/compact.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/scan/inc/scan.glsl"
// Sources and places of the rows that are kept, and the row of every place: a workgroup an image, in which an
// invocation has some neighbouring rows to itself, so that a single scan is enough for any length. No word is written
// twice.
layout(binding = 0) readonly  buffer Keep { uint keep[]; };     // (R) not 0 = kept
layout(binding = 1) writeonly buffer Src  { uint src[]; };      // (R of To) row of Tok
ROWS(2, Tok);
ROWS_MADE(3, To);

void move_rows(uint image)
{
    uint r0 = ROWS_OFFSET(Tok, image), length = ROWS_OFFSET(Tok, image + 1u) - r0, each = (length + WG - 1u) / WG;
    uint first = min(gl_LocalInvocationID.x * each, length), last = min(first + each, length), n = 0u;
    for (uint i = first; i < last; i++)
        n += keep[r0 + i] != 0u ? 1u : 0u;
    uint at = ROWS_OFFSET(To, image) + wg_scan(n);
    for (uint r = r0 + first; r < r0 + last; r++) {
        uint place = ROWS_POS(Tok, r);
        bool kept = keep[r] != 0u;
        ROWS_SLOT(To, image, place) = kept ? at : ROWS_NONE;
        if (kept) {
            src[at] = r;
            ROWS_POS(To, at) = place;
            at++;
        }
    }
}

// Places that had no row, and rows beyond the live ones: as the host leaves them.
void clear_rest(uint image)
{
    uint base = image * Tok.cap_tokens, n = To.n;
    for (uint i = gl_LocalInvocationID.x; i < Tok.cap_tokens; i += WG) {
        if (ROWS_SLOT(Tok, image, i) == ROWS_NONE)
            ROWS_SLOT(To, image, i) = ROWS_NONE;
        if (base + i >= n)
            ROWS_POS(To, base + i) = 0u;
    }
}

void main()
{
    for (uint image = gl_WorkGroupID.x; image < Tok.cap_images; image += gl_NumWorkGroups.x) {
        move_rows(image);
        clear_rest(image);
    }
}
