// class_attention.glsl — LANES invocations a row share the heads; z = image, x tiles of its rows.
#include "shaders/attention/class_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/reduce_rows.glsl"
#include "shaders/inc/quads.glsl"
ROWS(0, Tok);
READ(1, qkv);                                                  // (R, 3C)
layout(binding = 2) readonly  buffer Lse { float lse[]; };     // (R, H)
layout(binding = 3) writeonly buffer S   { float score[]; };   // (R)
layout(constant_id = SPEC_CLASS_ATTENTION_DIM) const uint D = 1u;
layout(binding = 4) readonly  buffer Table { float table[]; }; // (N, H), with BIAS
PUSH_ARGS(class_attention_args);
#include "shaders/attention/inc/attention_bias.glsl"

void main()
{
    if (gl_WorkGroupID.z >= Tok.images)
        return;
    uint first = ROWS_OFFSET(Tok, gl_WorkGroupID.z), end = ROWS_OFFSET(Tok, gl_WorkGroupID.z + 1u);
    uint row = first + gl_WorkGroupID.x * GROUP_ROWS, ld = 3u * a.heads * D;
    if (row >= end)
        return;                    // uniform per workgroup
    row += GROUP_ROW;
    uint from = min(row, end - 1u) * ld + a.heads * D;
    float sum = 0.0;
    uint queries = a.received != 0u ? end - first : 1u;
    // As many rounds for every invocation: lavapipe 26.1 crashes in a kernel whose sum leaves a loop of uneven length.
    for (uint h0 = 0u; h0 < a.heads; h0 += LANES) {
        uint h = min(h0 + LANE, a.heads - 1u);
        for (uint i = first; i < first + queries; i++) {
            float s = 0.0;
#ifdef QUADS
            [[unroll]]
#endif
            for (uint d = 0u; d < D; d++)
                s += dot(LOAD(qkv, i * ld + h * D + d), LOAD(qkv, from + h * D + d));
            s *= a.scale;
            if (BIAS != 0u)
                s += bias_of(bias_place(i), bias_place(min(row, end - 1u)), h);
            float p = exp(s - lse[i * a.heads + h]);
            sum += h0 + LANE < a.heads ? p : 0.0;
        }
    }
    sum = row_sum(sum) / float(a.heads * queries);
    if (LANE == 0u && row < end)
        score[row] = sum;
}
