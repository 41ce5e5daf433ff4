#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/mean_field.h"
#include "shaders/halt/halt.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
#include "shaders/halt/inc/mean_field.glsl"
// dx += w p dz,  dp += w <x, dz>. A workgroup an image and, along y, a share of its rows; LANES invocations a row.
layout(binding = 0) readonly buffer X        { float x[]; };        // (R, C)
layout(binding = 1) readonly buffer Halting  { float halting[]; };  // (R, HALT_COLS)
layout(binding = 2) readonly buffer DZ       { float dz[]; };       // (B, C)
layout(binding = 3)          buffer DX       { float dx[]; };       // (R, C) +=
layout(binding = 4)          buffer DHalting { float dhalting[]; }; // (R, HALT_COLS) += column P
ROWS(5, Tok);
ROWS(6, Img);
PUSH_ARGS(mean_field_args);

void main()
{
    uint n = min(Img.n, Tok.images);
    for (uint image = gl_WorkGroupID.x; image < n; image += gl_NumWorkGroups.x) {
        uint end = MEAN_FIELD_END(Tok, image, a), first = ROWS_OFFSET(Tok, image) + gl_WorkGroupID.y * GROUP_ROWS;
        for (uint base = first; base < end; base += gl_NumWorkGroups.y * GROUP_ROWS) {
            uint row = min(base + GROUP_ROW, end - 1u);
            float w = MEAN_FIELD_WEIGHT(Tok, row, a), p = halting[row * HALT_COLS + HALT_P], dp = 0.0;
            bool has_weight = base + GROUP_ROW < end && w != 0.0;
            for (uint j = LANE; has_weight && j < COLS; j += LANES) {
                float g = w * dz[image * COLS + j];
                dp += g * x[row * COLS + j];
                dx[row * COLS + j] += p * g;
            }
            dp = row_sum(dp);
            if (has_weight && LANE == 0u)
                dhalting[row * HALT_COLS + HALT_P] += dp;
        }
    }
}
