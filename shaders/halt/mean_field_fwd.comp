#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/mean_field.h"
#include "shaders/halt/halt.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/halt/inc/mean_field.glsl"
// A workgroup an image and, along y, WG columns; an invocation adds up its column, row after row.
layout(binding = 0) readonly  buffer X       { float x[]; };        // (R, C)
layout(binding = 1) readonly  buffer Halting { float halting[]; };  // (R, HALT_COLS)
layout(binding = 2) writeonly buffer Z       { float z[]; };        // (B, C)
ROWS(3, Tok);
ROWS(4, Img);
PUSH_ARGS(mean_field_args);

void main()
{
    uint n = min(Img.n, Tok.images), j = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x;
    if (j >= a.cols)
        return;
    for (uint image = gl_WorkGroupID.x; image < n; image += gl_NumWorkGroups.x) {
        uint end = MEAN_FIELD_END(Tok, image, a);
        float sum = 0.0;
        for (uint row = ROWS_OFFSET(Tok, image); row < end; row++) {
            float w = MEAN_FIELD_WEIGHT(Tok, row, a);
            if (w != 0.0)
                sum += w * halting[row * HALT_COLS + HALT_P] * x[row * a.cols + j];
        }
        z[image * a.cols + j] = sum;
    }
}
