#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/optim/adamw.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/reduce.glsl"
// norm = sqrt(sum of partial), scale = min(1, max_norm / (norm + 1e-6)); one workgroup
layout(binding = 0) readonly  buffer Partial { float partial[]; };  // (n_partials)
layout(binding = 1) readonly  buffer Step    { adamw_step s; };
layout(binding = 2) writeonly buffer Norm    { float norm, scale; };
PUSH_ARGS(clip_args);

void main()
{
    float t = 0.0;
    for (uint i = gl_LocalInvocationID.x; i < a.n_partials; i += WG)
        t += partial[i];
    t = sqrt(wg_sum(t));
    if (gl_LocalInvocationID.x == 0u) {
        norm = t;
        scale = s.max_norm > 0.0 ? min(1.0, s.max_norm / (t + 1e-6)) : 1.0;
    }
}
