#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/vocab/vocab_loss.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/reduce.glsl"
// Partial sums to the mean over the counted rows, in one workgroup and a fixed order; none give 0.
layout(binding = 0) readonly  buffer Partial { vec2 partial[]; };   // (n_partials)
layout(binding = 1) writeonly buffer Loss    { float loss[]; };     // (1)
layout(binding = 2) writeonly buffer Count   { uint count[]; };     // (1)
PUSH_ARGS(vocab_loss_mean_args);

void main()
{
    vec2 sum = vec2(0.0);
    for (uint i = gl_LocalInvocationID.x; i < a.n_partials; i += WG)
        sum += partial[i];
    float losses = wg_sum(sum.x), rows = wg_sum(sum.y);
    if (gl_LocalInvocationID.x == 0u) {
        loss[0] = losses / max(rows, 1.0);
        count[0] = uint(rows);
    }
}
