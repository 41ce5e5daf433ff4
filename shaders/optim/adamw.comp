#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/optim/adamw.h"
#include "shaders/inc/kernel.glsl"
// One step of AdamW over one block: decoupled decay, bias correction, eps outside the root.
layout(binding = 0)          buffer P    { float p[]; };        // (len)
layout(binding = 1) readonly buffer G    { float g[]; };        // (len)
layout(binding = 2)          buffer M    { float m[]; };        // (len)
layout(binding = 3)          buffer V    { float v[]; };        // (len)
layout(binding = 4) readonly buffer Step { adamw_step s; };
layout(binding = 5) readonly buffer Norm { float norm, scale; };
PUSH_ARGS(adamw_args);

void main()
{
    for (uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; i < a.len; i += gl_NumWorkGroups.x * WG) {
        float grad = g[i] * scale;
        float mi = a.beta1 * m[i] + a.rest1 * grad;
        float vi = a.beta2 * v[i] + a.rest2 * grad * grad;
        float keep = i < a.decay_len ? s.keep : 1.0;
        m[i] = mi;
        v[i] = vi;
        p[i] = p[i] * keep - s.size * mi / (sqrt(vi) * s.root + a.eps);
    }
}
