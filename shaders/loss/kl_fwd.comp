#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/kl.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
#include "shaders/inc/reduce_rows.glsl"
// LANES invocations a row; a workgroup strides over the rows and leaves one partial sum.
layout(binding = 0) readonly  buffer S       { float student[]; };      // (R, K)
layout(binding = 1) readonly  buffer T       { float teacher[]; };      // (R, K)
layout(binding = 2) writeonly buffer LseS    { float lse_student[]; };  // (R), of student / T
layout(binding = 3) writeonly buffer LseT    { float lse_teacher[]; };  // (R), of teacher / T
layout(binding = 4) writeonly buffer Partial { float partial[]; };      // (groups)
ROWS(5, Tok);
PUSH_ARGS(kl_args);

// q * (exp(-d) - 1 + d) with d = log(q / p): the terms of the divergence, each made >= 0 by the sum
// of p - q, which is 0. Two nearly equal rows then give a small number and not rounding noise.
float divergence(float q, float p, float d)
{
    if (abs(d) > 0.25)
        return p - q + q * d;
    return q * d * d * (0.5 - d * (1.0 / 6.0 - d * (1.0 / 24.0 - d * (1.0 / 120.0 - d / 720.0))));
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    float loss = 0.0, inv = 1.0 / a.temperature;
    for (uint tile = gl_WorkGroupID.x; tile * GROUP_ROWS < n; tile += gl_NumWorkGroups.x) {
        uint row = tile * GROUP_ROWS + GROUP_ROW;
        uint base = min(row, n - 1u) * COLS;
        float s_top = ROW_LOWEST, t_top = ROW_LOWEST, s_sum = 0.0, t_sum = 0.0;
        for (uint k = LANE; k < COLS; k += LANES) {
            s_top = max(s_top, student[base + k]);
            t_top = max(t_top, teacher[base + k]);
        }
        s_top = row_max(s_top);
        t_top = row_max(t_top);
        for (uint k = LANE; k < COLS; k += LANES) {
            s_sum += exp((student[base + k] - s_top) * inv);
            t_sum += exp((teacher[base + k] - t_top) * inv);
        }
        float s_log = log(row_sum(s_sum)), t_log = log(row_sum(t_sum));
        t_sum = 0.0;
        for (uint k = LANE; k < COLS; k += LANES) {
            float lp = (student[base + k] - s_top) * inv - s_log;
            float lq = (teacher[base + k] - t_top) * inv - t_log;
            t_sum += divergence(exp(lq), exp(lp), lq - lp);
        }
        loss += row < n ? t_sum : 0.0;
        if (row < n && LANE == 0u) {
            lse_student[row] = s_top * inv + s_log;
            lse_teacher[row] = t_top * inv + t_log;
        }
    }
    loss = wg_sum(loss);
    if (gl_LocalInvocationID.x == 0u)
        partial[gl_WorkGroupID.x] = loss;
}
