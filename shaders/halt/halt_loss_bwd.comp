#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/halt_loss.h"
#include "shaders/halt/halt_tally.h"
#include "shaders/halt/halt.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/reduce.glsl"
// dscore_l += (dq_l - sum of dq q) / sum of scores,  dq_l = -weight t_l / q_l where q_l is not clamped, else 0.
layout(binding = 0) readonly buffer Tally  { float tally[]; };  // (layers, TALLY_COLS)
layout(binding = 1) readonly buffer Gate   { float gate[]; };   // (GATE_LEN)
layout(binding = 2) readonly buffer DLoss  { float dloss[]; };  // (1)
layout(binding = 3)          buffer DTally { float dtally[]; }; // (layers, TALLY_COLS) +=
PUSH_ARGS(halt_loss_args);
#include "shaders/halt/inc/halt_loss.glsl"

bool is_clamped(float q)
{
    return q < HALT_Q_MIN || q > HALT_Q_MAX;
}

void main()
{
    float sum = score_sum(), weight = dloss[0] * gate[GATE_PRIOR] / float(a.layers), all = 0.0;
    for (uint l = gl_LocalInvocationID.x; l < a.layers; l += WG)
        all -= is_clamped(score_share(l, sum)) ? 0.0 : weight * target(l);
    all = wg_sum(all);
    for (uint l = gl_LocalInvocationID.x; l < a.layers; l += WG) {
        float q = score_share(l, sum), dq = is_clamped(q) ? 0.0 : -weight * target(l) / q;
        dtally[l * TALLY_COLS + TALLY_PONDER] += dloss[0] * gate[GATE_PONDER];
        dtally[l * TALLY_COLS + TALLY_SCORE] += sum < HALT_SCORE_MIN ? 0.0 : (dq - all) / sum;
    }
}
