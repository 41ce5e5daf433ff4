#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/kl.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// dstudent += dloss * T / rows * (softmax(student / T) - softmax(teacher / T))
layout(binding = 0) readonly buffer S        { float student[]; };      // (R, K)
layout(binding = 1) readonly buffer T        { float teacher[]; };      // (R, K)
layout(binding = 2) readonly buffer LseS     { float lse_student[]; };  // (R)
layout(binding = 3) readonly buffer LseT     { float lse_teacher[]; };  // (R)
layout(binding = 4) readonly buffer DLoss    { float dloss[]; };        // (1)
layout(binding = 5)          buffer DStudent { float dstudent[]; };     // (R, K) +=
ROWS(6, Tok);
PUSH_ARGS(kl_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    float g = dloss[0] * a.temperature / float(max(n, 1u)), inv = 1.0 / a.temperature;
    for (uint tile = gl_WorkGroupID.x; tile * GROUP_ROWS < n; tile += gl_NumWorkGroups.x) {
        uint row = tile * GROUP_ROWS + GROUP_ROW;
        if (row >= n)
            continue;
        uint base = row * COLS;
        float ls = lse_student[row], lt = lse_teacher[row];
        for (uint k = LANE; k < COLS; k += LANES)
            dstudent[base + k] += g * (exp(student[base + k] * inv - ls) - exp(teacher[base + k] * inv - lt));
    }
}
