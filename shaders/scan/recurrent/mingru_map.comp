#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/recurrent/mingru.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(mingru_args);
#include "shaders/scan/recurrent/inc/mingru_walk.glsl"
// What a segment does to the state that comes into it: A in + B, for either walk. One channel an invocation.
layout(binding = 2) readonly  buffer DH { float dh[]; };       // (R, channels), backward
layout(binding = 3) writeonly buffer M  { float map[]; };      // (images, segments, channels, 2)
layout(constant_id = SPEC_MINGRU_BACKWARD) const uint BACKWARD = 0u;

void main()
{
    uint n = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, segment = gl_WorkGroupID.y;
    if (n >= CHANNELS)
        return;
    walk_begin(gl_WorkGroupID.z, n);
    uint begin = place_of(segment), end = place_of(segment + 1u);
    float A = 1.0, B = 0.0;
    for (uint t0 = begin; t0 < end; t0 += AHEAD) {
        float gate[AHEAD], add[AHEAD];
        FOR(i, AHEAD) {
            uint t = min(t0 + i, end - 1u), row = row_at(BACKWARD == 0u ? t : begin + end - 1u - t);
            gate[i] = LOAD(x, GATE_AT(row));
            add[i] = BACKWARD == 0u ? LOAD(x, GATE_AT(row) + CANDIDATE) : dh[H_AT(row)];
        }
        FOR(i, AHEAD)
            if (t0 + i < end) {
                float z, keep;
                sigmoid_both(gate[i], z, keep);
                A *= keep;
                B = keep * B + (BACKWARD == 0u ? z : keep) * add[i];
            }
    }
    map[MAP_AT(segment)] = A;
    map[MAP_AT(segment) + 1u] = B;
}
