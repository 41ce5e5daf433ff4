#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/window_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/reduce.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"
// dmix_h += (1 - w_h) sum of r, a workgroup a head, in a fixed order.
ROWS(0, Tok);
layout(binding = 1) readonly buffer Mix  { float mix_[]; };    // (H)
layout(binding = 2) readonly buffer Rest { float rest[]; };    // (R, H)
layout(binding = 3)          buffer DMix { float dmix[]; };    // (H) +=
PUSH_ARGS(window_attention_args);

void main()
{
    uint h = gl_WorkGroupID.x;
    float s = 0.0;
    for (uint row = gl_LocalInvocationID.x; row < Tok.n; row += WG)
        s += rest[row * a.heads + h];
    s = wg_sum(s);
    float w, other;
    sigmoid_both(mix_[h], w, other);
    if (gl_LocalInvocationID.x == 0u)
        dmix[h] += other * s;
}
