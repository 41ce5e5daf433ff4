#version 460
#extension GL_GOOGLE_include_directive : require
#include "layernorm.h"
#include "inc/kernel.glsl"
#include "inc/rows.glsl"
#include "inc/reduce_rows.glsl"
// dx += rstd * (g - mean(g) - h * mean(g * h))     with g = dy * gamma, h = (x - mean) * rstd
layout(binding = 0) readonly buffer X     { float x[]; };       // (R, C)
layout(binding = 1) readonly buffer Gamma { float gamma[]; };   // (C)
layout(binding = 2) readonly buffer Mean  { float mean[]; };    // (R)
layout(binding = 3) readonly buffer Rstd  { float rstd[]; };    // (R)
layout(binding = 4) readonly buffer DY    { float dy[]; };      // (R, C)
layout(binding = 5)          buffer DX    { float dx[]; };      // (R, C) +=
ROWS(6, Tok);
PUSH_ARGS(layernorm_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    for (uint tile = gl_WorkGroupID.x; tile * GROUP_ROWS < n; tile += gl_NumWorkGroups.x) {
        uint row = tile * GROUP_ROWS + GROUP_ROW;
        uint base = row * a.cols, end = row < n ? a.cols : 0u;
        float m = 0.0, r = 0.0, s = 0.0, t = 0.0;
        if (row < n) {
            m = mean[row];
            r = rstd[row];
        }
        for (uint j = LANE; j < end; j += LANES) {
            float g = dy[base + j] * gamma[j];
            s += g;
            t += g * (x[base + j] - m);
        }
        s = row_sum(s) / float(a.cols);
        t = row_sum(t) * r * r / float(a.cols);
        for (uint j = LANE; j < end; j += LANES)
            dx[base + j] += r * (dy[base + j] * gamma[j] - s - (x[base + j] - m) * t);
    }
}
