#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/hoyer_square.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/reduce.glsl"
// One workgroup; an invocation a stream: its two sums, in the order of its units.
layout(binding = 0) readonly  buffer Norms { float norms[]; };  // (S, D)
layout(binding = 1) writeonly buffer Sums  { float sums[]; };   // (S, 2)
layout(binding = 2) writeonly buffer Loss  { float loss[]; };   // (1)
PUSH_ARGS(hoyer_square_args);

void main()
{
    float total = 0.0;
    for (uint s = gl_LocalInvocationID.x; s < a.streams; s += WG) {
        float s1 = 0.0, s2 = 0.0;
        for (uint r = 0u; r < a.units; r++) {
            float n = norms[s * a.units + r];
            s1 += n;
            s2 += n * n;
        }
        sums[2u * s] = s1;
        sums[2u * s + 1u] = s2;
        total += s2 > 0.0 ? s1 * s1 / s2 : 0.0;
    }
    total = wg_sum(total);
    if (gl_LocalInvocationID.x == 0u)
        loss[0] = total;
}
