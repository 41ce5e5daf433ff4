#version 460
#extension GL_GOOGLE_include_directive : require
#include "cross_entropy.h"
#include "inc/kernel.glsl"
#include "inc/rows.glsl"
#include "inc/reduce_rows.glsl"
// dlogits += dloss / rows * (softmax(logits) - target)
layout(binding = 0) readonly buffer Logits  { float logits[]; };    // (R, K)
layout(binding = 1) readonly buffer Labels  { uint label[]; };      // (R)
layout(binding = 2) readonly buffer Lse     { float lse[]; };       // (R)
layout(binding = 3) readonly buffer DLoss   { float dloss[]; };     // (1)
layout(binding = 4)          buffer DLogits { float dlogits[]; };   // (R, K) +=
ROWS(5, Tok);
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
        if (y >= COLS)
            continue;
        float l = lse[row];
        for (uint k = LANE; k < COLS; k += LANES) {
            float target = (k == y ? 1.0 - a.smoothing : 0.0) + rest;
            dlogits[base + k] += g * (exp(logits[base + k] - l) - target);
        }
    }
}
