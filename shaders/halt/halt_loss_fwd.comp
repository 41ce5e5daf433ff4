#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/halt/halt_loss.h"
#include "shaders/halt/halt_tally.h"
#include "shaders/halt/halt.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/reduce.glsl"
// One workgroup, an invocation a layer.
layout(binding = 0) readonly  buffer Tally { float tally[]; };  // (layers, TALLY_COLS)
layout(binding = 1) readonly  buffer Gate  { float gate[]; };   // (GATE_LEN)
layout(binding = 2) writeonly buffer Loss  { float loss[]; };   // (1)
layout(binding = 3) writeonly buffer Alive { float alive[]; };  // (1)
PUSH_ARGS(halt_loss_args);
#include "shaders/halt/inc/halt_loss.glsl"

void main()
{
    float sum = score_sum(), ponder = 0.0, prior = 0.0, there = 0.0;
    for (uint l = gl_LocalInvocationID.x; l < a.layers; l += WG) {
        float q = score_share(l, sum), t = target(l);
        q = q < HALT_Q_MIN ? HALT_Q_MIN : q > HALT_Q_MAX ? HALT_Q_MAX : q;
        prior += t > 0.0 ? t * (log_target(l) - log(q)) : 0.0;
        ponder += tally[l * TALLY_COLS + TALLY_PONDER];
        there += tally[l * TALLY_COLS + TALLY_ALIVE];
    }
    ponder = wg_sum(ponder);
    prior = wg_sum(prior);
    there = wg_sum(there);
    if (gl_LocalInvocationID.x != 0u)
        return;
    loss[0] = gate[GATE_PONDER] * ponder + gate[GATE_PRIOR] / float(a.layers) * prior;
    alive[0] = there / float(a.layers);
}
