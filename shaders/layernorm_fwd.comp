#version 460
#extension GL_GOOGLE_include_directive : require
#include "layernorm.h"
#include "inc/kernel.glsl"
#include "inc/rows.glsl"
#include "inc/reduce_rows.glsl"
// LANES invocations a row; two passes, so no E[x^2] - E[x]^2 cancellation. The second one also finds
// what rounding left over in the mean, which matters when the mean is large beside the spread.
layout(binding = 0) readonly  buffer X     { float x[]; };      // (R, C)
layout(binding = 1) readonly  buffer Gamma { float gamma[]; };  // (C)
layout(binding = 2) readonly  buffer Beta  { float beta[]; };   // (C)
layout(binding = 3) writeonly buffer Y     { float y[]; };      // (R, C)
layout(binding = 4) writeonly buffer Mean  { float mean[]; };   // (R)
layout(binding = 5) writeonly buffer Rstd  { float rstd[]; };   // (R)
ROWS(6, Tok);
PUSH_ARGS(layernorm_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    for (uint tile = gl_WorkGroupID.x; tile * GROUP_ROWS < n; tile += gl_NumWorkGroups.x) {
        uint row = tile * GROUP_ROWS + GROUP_ROW;
        uint base = row * a.cols, end = row < n ? a.cols : 0u;
        float s = 0.0;
        for (uint j = LANE; j < end; j += LANES)
            s += x[base + j];
        float m = row_sum(s) / float(a.cols);
        float left = 0.0;
        s = 0.0;
        for (uint j = LANE; j < end; j += LANES) {
            float d = x[base + j] - m;
            left += d;
            s += d * d;
        }
        left = row_sum(left) / float(a.cols);
        float r = inversesqrt(max(row_sum(s) / float(a.cols) - left * left, 0.0) + a.eps);
        for (uint j = LANE; j < end; j += LANES)
            y[base + j] = (x[base + j] - m - left) * r * gamma[j] + beta[j];
        if (row < n && LANE == 0u) {
            mean[row] = m + left;
            rstd[row] = r;
        }
    }
}
