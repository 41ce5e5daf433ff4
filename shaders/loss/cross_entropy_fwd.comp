#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/cross_entropy.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
#include "shaders/inc/reduce_rows.glsl"
// LANES invocations a row; a workgroup strides over the rows and leaves one partial sum.
layout(binding = 0) readonly  buffer Logits  { float logits[]; };   // (R, K)
layout(binding = 1) readonly  buffer Labels  { uint label[]; };     // (R)
layout(binding = 2) writeonly buffer Lse     { float lse[]; };      // (R)
layout(binding = 3) writeonly buffer Partial { float partial[]; };  // (groups)
ROWS(4, Tok);
layout(binding = 5) readonly  buffer LabelsB { uint labels_b[]; };    // (R)
layout(binding = 6) readonly  buffer Lambda  { float lambda[]; };    // (R)
layout(constant_id = SPEC_CROSS_ENTROPY_MIXED) const uint MIXED = 0u;
PUSH_ARGS(cross_entropy_args);

// `t`: the sum over the columns of logit - top. An unknown label counts as no loss.
float label_loss(uint y, uint base, float top, float log_sum, float t)
{
    float z = logits[base + min(y, COLS - 1u)] - top;
    float loss = log_sum - (1.0 - a.smoothing) * z - a.smoothing / float(COLS) * t;
    return y < COLS ? loss : 0.0;
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    float loss = 0.0;
    for (uint tile = gl_WorkGroupID.x; tile * GROUP_ROWS < n; tile += gl_NumWorkGroups.x) {
        uint row = tile * GROUP_ROWS + GROUP_ROW;
        uint base = min(row, n - 1u) * COLS;
        float top = ROW_LOWEST, s = 0.0, t = 0.0;
        for (uint k = LANE; k < COLS; k += LANES)
            top = max(top, logits[base + k]);
        top = row_max(top);
        for (uint k = LANE; k < COLS; k += LANES) {
            float z = logits[base + k] - top;
            s += exp(z);
            t += z;
        }
        float log_sum = log(row_sum(s));
        t = row_sum(t);
        if (row < n && LANE == 0u) {
            lse[row] = top + log_sum;
            float own = label_loss(label[row], base, top, log_sum, t);
            if (MIXED == 1u)
                loss += lambda[row] * own + (1.0 - lambda[row]) * label_loss(labels_b[row], base, top, log_sum, t);
            else
                loss += own;
        }
    }
    loss = wg_sum(loss);
    if (gl_LocalInvocationID.x == 0u)
        partial[gl_WorkGroupID.x] = loss;
}
