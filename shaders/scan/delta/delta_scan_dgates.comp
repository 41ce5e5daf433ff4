#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
#include "shaders/scan/delta/inc/delta_form.glsl"
// One invocation a token: dg_t is the sum of the products that begin before t and end at t or after.
layout(binding = 1) buffer Gates { float gates[]; };           // as delta_rows leaves it; dg at AT_DG: (R, streams)

void main()
{
    uint blocks = (Q + WG - 1u) / WG, i = gl_WorkGroupID.x % blocks * WG + LANE;
    span t = span_get(gl_WorkGroupID.x / blocks);
    if (i >= t.n)
        return;
    float dg = 0.0;
    for (uint r = 0u; r < t.n; r++) {
        uint at = token_of(t, r);
        if (r < i)
            dg += gates[AT_SUMS + 4u * at + 1u];
        else
            dg += gates[AT_SUMS + 4u * at] + gates[AT_DECAY + at * Q + i];
    }
    gates[AT_DG + token_of(t, i)] = dg;
}
