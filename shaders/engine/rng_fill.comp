#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/engine/rng_fill.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rng.glsl"
// Fills memory with counter-based random bits or floats.
layout(binding = 0) writeonly buffer Y { uint y[]; };   // (len) bits, or the bits of floats
PUSH_ARGS(rng_fill_args);

void main()
{
    uvec2 seed = uvec2(a.seed_lo, a.seed_hi);
    for (uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; i < a.len; i += gl_NumWorkGroups.x * WG) {
        if (a.kind == RNG_FILL_BITS)
            y[i] = rng_bits(seed, a.stream, a.first + i);
        else if (a.kind == RNG_FILL_UNIFORM)
            y[i] = floatBitsToUint(rng_uniform(seed, a.stream, a.first + i));
        else
            y[i] = floatBitsToUint(rng_normal(seed, a.stream, a.first + i));
    }
}
