#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/engine/finite.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// Adds the number of values that are not finite to one counter; where all are, nothing is written. The exponent is
// looked at, not isnan(): drivers may assume that NaN does not occur.
ROWS(0, Tok);
layout(binding = 1) uniform samplerBuffer x;                   // (len) floats
layout(binding = 2) buffer Count { uint count; };
PUSH_ARGS(finite_args);

void main()
{
    uint live = (a.rows == 0u ? Tok.n : a.rows) * a.cols, n = 0u;
    uint end = live < a.first ? 0u : min(live - a.first, a.len);
    for (uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; 4u * i < end; i += gl_NumWorkGroups.x * WG) {
        uvec4 bits = floatBitsToUint(texelFetch(x, int(i))) & 0x7f800000u;
        bvec4 bad = equal(bits, uvec4(0x7f800000u));
        if (any(bad))
            for (uint c = 0u; c < 4u; c++)
                n += bad[c] && 4u * i + c < end ? 1u : 0u;
    }
    if (n > 0u)
        atomicAdd(count, n);
}
