#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/halt_match.h"
#include "shaders/inc/kernel.glsl"
// The scalars from the partial sums, in order, by one invocation.
layout(binding = 0) readonly  buffer Partial { float partial[]; };  // (n_partials, MATCH_COLS)
layout(binding = 1) writeonly buffer Loss    { float loss[]; };     // (1)
layout(binding = 2) writeonly buffer KL      { float kl_out[]; };   // (1)
layout(binding = 3) writeonly buffer Keep    { float keep_out[]; }; // (1)
layout(binding = 4) writeonly buffer Count   { float count[]; };    // (1)
PUSH_ARGS(halt_match_args);

void main()
{
    if (gl_GlobalInvocationID.x != 0u)
        return;
    float kl = 0.0, keep = 0.0, n = 0.0;
    for (uint k = 0u; k < a.n_partials; k++) {
        kl += partial[k * MATCH_COLS + MATCH_KL];
        keep += partial[k * MATCH_COLS + MATCH_KEEP];
        n += partial[k * MATCH_COLS + MATCH_N];
    }
    kl /= max(n, 1.0);
    keep /= max(n, 1.0);
    loss[0] = kl + a.weight * keep * keep;
    kl_out[0] = kl;
    keep_out[0] = keep;
    count[0] = n;
}
