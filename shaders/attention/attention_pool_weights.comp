#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/attention_pool.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
// Softmax over the patches of an image (x), for a head (y). Every invocation does as many rounds.
layout(binding = 0) readonly buffer KV { float kv[]; };     // (R, 2C)
layout(binding = 1) readonly buffer Q  { float q[]; };      // (C)
layout(binding = 2)          buffer P  { float p[]; };      // (R, H)
ROWS(3, Tok);
ROWS(4, Img);
PUSH_ARGS(attention_pool_args);

float wg_max(float v)
{
    uint t = gl_LocalInvocationID.x;
    barrier();
    wg_scratch[t] = v;
    barrier();
    for (uint s = WG / 2u; s > 0u; s >>= 1u) {
        if (t < s)
            wg_scratch[t] = max(wg_scratch[t], wg_scratch[t + s]);
        barrier();
    }
    return wg_scratch[0];
}

void main()
{
    uint n = min(Img.n, Tok.images), h = gl_WorkGroupID.y, D = a.head_dim, ld = 2u * a.heads * D;
    for (uint image = gl_WorkGroupID.x; image < n; image += gl_NumWorkGroups.x) {
        uint start = ROWS_OFFSET(Tok, image), end = ROWS_OFFSET(Tok, image + 1u);
        float top = -1.7e38, sum = 0.0;
        for (uint base = start; base < end; base += WG) {
            uint row = min(base + gl_LocalInvocationID.x, end - 1u);
            float s = 0.0;
            for (uint d = 0u; d < D; d++)
                s += q[h * D + d] * kv[row * ld + h * D + d];
            s *= a.scale;
            top = ROWS_POS(Tok, row) >= a.prefix ? max(top, s) : top;
            if (base + gl_LocalInvocationID.x < end)
                p[row * a.heads + h] = s;
        }
        top = wg_max(top);
        for (uint base = start; base < end; base += WG) {
            uint row = min(base + gl_LocalInvocationID.x, end - 1u);
            bool is_own = base + gl_LocalInvocationID.x < end;
            float e = is_own && ROWS_POS(Tok, row) >= a.prefix ? exp(p[row * a.heads + h] - top) : 0.0;
            sum += e;
            if (is_own)
                p[row * a.heads + h] = e;
        }
        sum = wg_sum(sum);
        for (uint row = start + gl_LocalInvocationID.x; row < end; row += WG)
            p[row * a.heads + h] /= max(sum, 1e-30);
    }
}
