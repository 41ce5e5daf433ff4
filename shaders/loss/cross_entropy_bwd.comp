#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/cross_entropy.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// dlogits += dloss / rows * (softmax(logits) - target)
layout(binding = 0) readonly buffer Logits  { float logits[]; };    // (R, K)
layout(binding = 1) readonly buffer Labels  { uint label[]; };      // (R)
layout(binding = 2) readonly buffer Lse     { float lse[]; };       // (R)
layout(binding = 3) readonly buffer DLoss   { float dloss[]; };     // (1)
layout(binding = 4)          buffer DLogits { float dlogits[]; };   // (R, K) +=
ROWS(5, Tok);
layout(binding = 6) readonly buffer LabelsB { uint labels_b[]; };     // (R)
layout(binding = 7) readonly buffer Lambda  { float lambda[]; };     // (R)
layout(constant_id = SPEC_CROSS_ENTROPY_MIXED) const uint MIXED = 0u;
PUSH_ARGS(cross_entropy_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    float g = dloss[0] / float(max(n, 1u)), rest = a.smoothing / float(COLS);
    for (uint tile = gl_WorkGroupID.x; tile * GROUP_ROWS < n; tile += gl_NumWorkGroups.x) {
        uint row = tile * GROUP_ROWS + GROUP_ROW;
        if (row >= n)
            continue;
        uint base = row * COLS, y = label[row];
        float l = lse[row];
        if (MIXED == 1u) {
            uint o = labels_b[row];
            float wy = y < COLS ? lambda[row] : 0.0, wo = o < COLS ? 1.0 - lambda[row] : 0.0;
            for (uint k = LANE; k < COLS; k += LANES) {
                float hot = (k == y ? wy : 0.0) + (k == o ? wo : 0.0);
                float target = (1.0 - a.smoothing) * hot + (wy + wo) * rest;
                dlogits[base + k] += g * ((wy + wo) * exp(logits[base + k] - l) - target);
            }
            continue;
        }
        if (y >= COLS)
            continue;
        for (uint k = LANE; k < COLS; k += LANES) {
            float target = (k == y ? 1.0 - a.smoothing : 0.0) + rest;
            dlogits[base + k] += g * (exp(logits[base + k] - l) - target);
        }
    }
}
