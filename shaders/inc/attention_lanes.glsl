// attention_lanes.glsl — shared by the lanes form of attention, for CPUs that run a subgroup as one SIMD
// vector. A workgroup is one subgroup of BLOCK lanes; each lane owns OWN rows of one side in registers.
// Rows of the other side come BLOCK at a time, one a lane, and shuffles hand them round, because a
// shuffle costs one instruction there and a fetch some fifty. Heads are whole vec4.
#extension GL_KHR_shader_subgroup_shuffle : require
#include "inc/attention_rows.glsl"
layout(constant_id = SPEC_ATTENTION_OWN) const uint OWN = 2u;
const uint W = D / 4u;             // vec4 of a head

#define LANE gl_SubgroupInvocationID
#define FOR(i, n) [[unroll]] for (uint i = 0u; i < (n); i++)

// Columns to vec4, and no rows for a workgroup beyond the image: its loop is empty, but not skipped.
span lanes_span(uint images, uint heads)
{
    span s = span_get(images, heads);
    s.ld /= 4u, s.q /= 4u, s.k /= 4u, s.v /= 4u, s.ldo /= 4u, s.o /= 4u;
    if (gl_WorkGroupID.x * OWN * BLOCK >= s.n)
        s.n = 0u;
    return s;
}

// Row u of those that this lane owns, within its image.
uint lanes_own(uint u)
{
    return (gl_WorkGroupID.x * OWN + u) * BLOCK + LANE;
}

// Its row in the batch; a row that is there in place of one beyond the image.
uint lanes_row(span s, uint i)
{
    return s.first + min(i, max(s.n, 1u) - 1u);
}
