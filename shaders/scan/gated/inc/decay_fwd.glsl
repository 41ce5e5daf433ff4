// decay_fwd.glsl — the gates of a recurrence from raw numbers.
#include "shaders/scan/gated/decay.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(decay_args);
#include "shaders/scan/gated/inc/decay_column.glsl"
layout(binding = 4) writeonly buffer Y { T y[]; };             // (R, N) or (R, 2 N)

void main()
{
    for (uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; i < GATES * a.tiles; i += gl_NumWorkGroups.x * WG) {
        uint n = i % GATES, tile = i / GATES, col = column_of(n);
        T b = bias_of(n), rate = rate_of(n);
        for (uint r = tile * a.tile; r < min((tile + 1u) * a.tile, Tok.n); r++) {
            T u = LOAD(x, r * LD + col) + b, up, down;
            if (KIND == DECAY_SIGMOID) {
                sigmoid_both(u, up, down);
                y[r * OUT + n] = up;
            } else if (KIND == DECAY_STEP) {
                T step_ = softplus(u);
                y[r * OUT + n] = rate * step_;
                y[r * OUT + GATES + n] = step_;
            } else {
                y[r * OUT + n] = -a.scale * softplus(-u);
            }
        }
    }
}
