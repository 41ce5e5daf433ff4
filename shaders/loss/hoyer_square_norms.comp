#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/hoyer_square.h"
#include "shaders/inc/kernel.glsl"
// One invocation a unit: the norm of its weights.
layout(binding = 0) readonly  buffer X     { float w_x[]; };    // (S, 4, D, I)
layout(binding = 1) readonly  buffer H     { float w_h[]; };    // (S, 4, D, D)
layout(binding = 2) writeonly buffer Norms { float norms[]; };  // (S, D)
PUSH_ARGS(hoyer_square_args);

void main()
{
    uint D = a.units, n = a.streams * D;
    for (uint u = gl_GlobalInvocationID.x; u < n; u += gl_NumWorkGroups.x * WG) {
        uint s = u / D, r = u % D;
        float sum = 0.0;
        for (uint gate = 0u; gate < 4u; gate++) {
            uint row = (s * 4u + gate) * D + r;
            for (uint i = 0u; i < a.inputs; i++)
                sum += w_x[row * a.inputs + i] * w_x[row * a.inputs + i];
            for (uint i = 0u; i < D; i++) {
                float across = w_h[row * D + i], down = w_h[((s * 4u + gate) * D + i) * D + r];
                sum += across * across + down * down;
            }
        }
        norms[u] = sqrt(sum);
    }
}
