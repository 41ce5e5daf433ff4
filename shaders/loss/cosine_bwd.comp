#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/cosine.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/loss/inc/cosine.glsl"
// da += dloss / count * (a cos / (sum a^2 + EPS) - b / sqrt((sum a^2 + EPS) (sum b^2 + EPS))); of b with both swapped.
// A workgroup strides over images with WG columns, along y, an invocation each, which walks its column twice.
layout(binding = 0) readonly buffer A     { float va[]; };      // (R, C)
layout(binding = 1) readonly buffer B     { float vb[]; };      // (R, C)
layout(binding = 2) readonly buffer Count { float count[]; };   // (1)
layout(binding = 3) readonly buffer DLoss { float dloss[]; };   // (1)
layout(binding = 4)          buffer DA    { float da[]; };      // (R, C) +=
ROWS(5, Tok);
PUSH_ARGS(cosine_args);

void main()
{
    uint col = gl_WorkGroupID.y * WG + gl_LocalInvocationID.x;
    float g = dloss[0] / max(count[0], 1.0);
    for (uint image = gl_WorkGroupID.x; image < Tok.images && col < a.cols; image += gl_NumWorkGroups.x) {
        uint first = ROWS_OFFSET(Tok, image), end = ROWS_OFFSET(Tok, image + 1u);
        cosine_sums s = cosine_sums(0.0, 0.0, 0.0);
        for (uint row = first; row < end; row++)
            cosine_add(s, va[row * a.cols + col], vb[row * a.cols + col]);
        float scale = cosine_scale(s), own = s.ab * scale / (s.aa + COSINE_EPS);
        for (uint row = first; row < end; row++) {
            uint i = row * a.cols + col;
            da[i] += g * (own * va[i] - scale * vb[i]);
        }
    }
}
