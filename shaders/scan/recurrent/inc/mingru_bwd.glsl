// mingru_bwd.glsl — the gradients of a segment, walked against its order, from what the segments after it leave.
#include "shaders/scan/recurrent/mingru.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(mingru_args);
#include "shaders/scan/recurrent/inc/mingru_walk.glsl"
layout(binding = 2) readonly buffer S  { T start[]; };         // (images, channels) or absent
layout(binding = 3) readonly buffer M  { T map[]; };           // (images, segments, channels, 2), if segments > 1
READ(4, h);                                                    // (R, channels)
READ(5, dh);                                                   // (R, channels)
layout(binding = 6)          buffer DX { T dx[]; };            // (R, dirs 2 C) +=

void main()
{
    uint n = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, segment = gl_WorkGroupID.y;
    if (n >= CHANNELS || gl_WorkGroupID.z >= Tok.images)
        return;
    walk_begin(gl_WorkGroupID.z, n);
    T h0 = T(0.0), v = T(0.0);         // v = (1 - z_{t+1}) lam_{t+1}
    if (a.has_start != 0u)
        h0 = start[image * CHANNELS + n];
    for (uint k = a.segments; k-- > segment + 1u;)
        v = map[MAP_AT(k)] * v + map[MAP_AT(k) + 1u];
    uint begin = place_of(segment);
    for (uint t1 = place_of(segment + 1u); t1 > begin;) {
        uint each = min(t1 - begin, AHEAD);
        T gate[AHEAD], candidate[AHEAD], before[AHEAD], grad[AHEAD], old_gate[AHEAD], old_candidate[AHEAD];
        FOR(i, AHEAD) {
            uint t = t1 - 1u - min(i, each - 1u), at = GATE_AT(row_at(t));
            gate[i] = LOAD(x, at);
            candidate[i] = LOAD(x, at + CANDIDATE);
            grad[i] = LOAD(dh, H_AT(row_at(t)));
            T p = LOAD(h, H_AT(row_at(max(t, 1u) - 1u)));
            before[i] = t > 0u ? p : h0;
            old_gate[i] = dx[at];
            old_candidate[i] = dx[at + CANDIDATE];
        }
        FOR(i, AHEAD)
            if (i < each) {
                uint at = GATE_AT(row_at(t1 - 1u - i));
                T z, keep, lam = grad[i] + v;
                sigmoid_both(gate[i], z, keep);
                v = keep * lam;
                dx[at] = old_gate[i] + z * v * (candidate[i] - before[i]);
                dx[at + CANDIDATE] = old_candidate[i] + z * lam;
            }
        t1 -= each;
    }
}
