#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/hoyer_square.h"
#include "shaders/inc/kernel.glsl"
// One invocation a weight: dw += dloss * w * (what its row's unit gets, and of w_h its column's).
layout(binding = 0) readonly buffer W     { float w[]; };       // (S, 4, D, I) or (S, 4, D, D)
layout(binding = 1) readonly buffer Norms { float norms[]; };   // (S, D)
layout(binding = 2) readonly buffer Sums  { float sums[]; };    // (S, 2)
layout(binding = 3) readonly buffer DLoss { float dloss[]; };   // (1)
layout(binding = 4)          buffer DW    { float dw[]; };      // as w, +=
PUSH_ARGS(hoyer_square_args);

float factor(uint s, uint r)
{
    float s1 = sums[2u * s], s2 = sums[2u * s + 1u], n = norms[s * a.units + r];
    return n > 0.0 ? 2.0 * s1 / s2 * (1.0 / n - s1 / s2) : 0.0;
}

void main()
{
    uint D = a.units, n = a.streams * 4u * D * a.inputs;
    for (uint e = gl_GlobalInvocationID.x; e < n; e += gl_NumWorkGroups.x * WG) {
        uint row = e / a.inputs, s = row / (4u * D);
        float f = factor(s, row % D);
        if (a.recurrent != 0u)
            f += factor(s, e % a.inputs);
        dw[e] += dloss[0] * f * w[e];
    }
}
