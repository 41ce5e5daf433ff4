#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/halt_match.h"
#include "shaders/halt/halt_soft.h"
#include "shaders/halt/halt.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"
// A workgroup strides over the rows and leaves three partial sums.
layout(binding = 0) readonly  buffer Soft    { vec2 soft_state[]; };    // (R) rows of SOFT_COLS
layout(binding = 1) readonly  buffer Halting { vec4 halting[]; };   // (R) rows of HALT_COLS, the teacher's
layout(binding = 2) readonly  buffer Prev    { vec4 prev[]; };      // (R)
layout(binding = 3) writeonly buffer Partial { float partial[]; };  // (n_partials, MATCH_COLS)
ROWS(4, Tok);
PUSH_ARGS(halt_match_args);

// log(v / w) with a small relative error where they are close, too: log() is only promised to 5e-7 near 1.
float log_ratio(float v, float w)
{
    float s = (v - w) / (v + w), q = s * s;
    float near = 2.0 * s * (1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q / 9.0))));
    return abs(s) < 0.125 ? near : log(v) - log(w);
}

// sigma(x) - sigma(y) for d = x - y, with a small relative error where both are near 0 or 1:
// sigma(x) sigma(-y) (1 - exp(-d)), turned round for d < 0.
float share_difference(float x, float y, float d)
{
    float up, down, unused, e = abs(d);
    sigmoid_both(d < 0.0 ? y : x, up, unused);
    sigmoid_both(d < 0.0 ? x : y, unused, down);
    float near = e * (1.0 - e / 2.0 * (1.0 - e / 3.0 * (1.0 - e / 4.0 * (1.0 - e / 5.0 * (1.0 - e / 6.0)))));
    float part = e < 0.25 ? near : 1.0 - exp(-e);
    return d < 0.0 ? -(up * down * part) : up * down * part;
}

void main()
{
    const float low = MATCH_H_MIN, high = 1.0 - MATCH_H_MIN;
    float kl = 0.0, keep = 0.0, n = 0.0;
    for (uint row = gl_GlobalInvocationID.x; row < Tok.n; row += gl_NumWorkGroups.x * WG) {
        float before = a.has_prev != 0u ? prev[row][HALT_C] : 0.0;
        if (ROWS_POS(Tok, row) < a.kept || before >= HALT_DONE)
            continue;
        float want = halting[row][HALT_H], c = soft_state[row][SOFT_C], h, rest;
        sigmoid_both(soft_state[row][SOFT_U], h, rest);
        keep += share_difference((a.full - c) * a.inv_tau, (a.full - (before + want)) * a.inv_tau,
                                 (before + want - c) * a.inv_tau);
        want = want < low ? low : want > high ? high : want;
        h = h < low ? low : h > high ? high : h;
        kl += want * log_ratio(want, h) + (1.0 - want) * log_ratio(1.0 - want, 1.0 - h);
        n += 1.0;
    }
    kl = wg_sum(kl);
    keep = wg_sum(keep);
    n = wg_sum(n);
    if (gl_LocalInvocationID.x != 0u)
        return;
    partial[gl_WorkGroupID.x * MATCH_COLS + MATCH_KL] = kl;
    partial[gl_WorkGroupID.x * MATCH_COLS + MATCH_KEEP] = keep;
    partial[gl_WorkGroupID.x * MATCH_COLS + MATCH_N] = n;
}
