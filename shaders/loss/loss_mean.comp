#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/loss_mean.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
// loss = scale * sum(partial) / rows, in one workgroup and a fixed order; no rows give 0.
layout(binding = 0) readonly  buffer Partial { float partial[]; };  // (n_partials)
layout(binding = 1) writeonly buffer Loss    { float loss[]; };     // (1)
ROWS(2, Tok);
PUSH_ARGS(loss_mean_args);

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    float s = 0.0;
    for (uint i = gl_LocalInvocationID.x; i < a.n_partials; i += WG)
        s += partial[i];
    s = wg_sum(s);
    if (gl_LocalInvocationID.x == 0u)
        loss[0] = s * a.scale / float(max(n, 1u));
}
