#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/cosine.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
// Partial sums to the mean, in one workgroup and a fixed order.
layout(binding = 0) readonly  buffer Partial { float partial[]; };  // (n_partials)
layout(binding = 1) writeonly buffer Loss    { float loss[]; };     // (1)
layout(binding = 2) writeonly buffer Count   { float count[]; };    // (1) channels of images that have a token
ROWS(3, Tok);
PUSH_ARGS(cosine_args);

void main()
{
    float sum = 0.0, images = 0.0;
    for (uint i = gl_LocalInvocationID.x; i < a.n_partials; i += WG)
        sum += partial[i];
    for (uint image = gl_LocalInvocationID.x; image < Tok.images; image += WG)
        images += ROWS_OFFSET(Tok, image) < ROWS_OFFSET(Tok, image + 1u) ? 1.0 : 0.0;
    sum = wg_sum(sum);
    images = wg_sum(images);
    if (gl_LocalInvocationID.x == 0u) {
        loss[0] = sum / (max(images, 1.0) * float(a.cols));
        count[0] = images * float(a.cols);
    }
}
