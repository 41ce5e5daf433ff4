// mingru_fwd.glsl — the recurrence over a segment, from the state that the segments before it leave.
#include "shaders/scan/recurrent/mingru.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(mingru_args);
#include "shaders/scan/recurrent/inc/mingru_walk.glsl"
layout(binding = 2) readonly  buffer S    { T start[]; };      // (images, channels) or absent
layout(binding = 3) readonly  buffer M    { T map[]; };        // (images, segments, channels, 2), if segments > 1
layout(binding = 4) writeonly buffer H    { T h[]; };          // (R, channels)
layout(binding = 5) writeonly buffer Last { T last[]; };       // (images, channels) when carry

void main()
{
    uint n = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, segment = gl_WorkGroupID.y;
    if (n >= CHANNELS)
        return;
    walk_begin(gl_WorkGroupID.z, n);
    T v = T(0.0);
    if (a.has_start != 0u)
        v = start[image * CHANNELS + n];
    for (uint k = 0u; k < segment; k++)
        v = map[MAP_AT(k)] * v + map[MAP_AT(k) + 1u];
    uint end = place_of(segment + 1u);
    for (uint t0 = place_of(segment); t0 < end; t0 += AHEAD) {
        T gate[AHEAD], candidate[AHEAD];
        FOR(i, AHEAD) {
            uint at = GATE_AT(row_at(min(t0 + i, end - 1u)));
            gate[i] = LOAD(x, at);
            candidate[i] = LOAD(x, at + CANDIDATE);
        }
        FOR(i, AHEAD) {
            T z, keep;
            sigmoid_both(gate[i], z, keep);
            if (t0 + i < end)
                v = keep * v + z * candidate[i];
            candidate[i] = v;
        }
        FOR(i, AHEAD)
            if (t0 + i < end)
                h[H_AT(row_at(t0 + i))] = candidate[i];
    }
    if (a.carry != 0u && segment + 1u == a.segments)
        last[image * CHANNELS + n] = v;
}
