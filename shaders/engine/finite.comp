#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/engine/finite.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/storage.glsl"
// Adds the number of values that are not finite to one counter; where all are, nothing is written. The exponent is
// looked at, not isnan(): drivers may assume that NaN does not occur.
// storage: f32 f16
ROWS(0, Tok);
#ifdef STORAGE_F16
layout(binding = 1) readonly buffer X { uvec4 x[]; };          // (len) halves
#else
layout(binding = 1) uniform samplerBuffer x;                   // (len) floats
#endif
layout(binding = 2) buffer Count { uint count; };
PUSH_ARGS(finite_args);

#ifdef STORAGE_F16
// How many of the eight halves 8 i .. that lie before `end` are not finite.
uint count_bad(uint i, uint end)
{
    uvec4 low = x[i] & 0x7c00u, high = x[i] >> 16 & 0x7c00u;
    uint n = 0u;
    for (uint c = 0u; c < 4u; c++) {
        n += low[c] == 0x7c00u && 8u * i + 2u * c < end ? 1u : 0u;
        n += high[c] == 0x7c00u && 8u * i + 2u * c + 1u < end ? 1u : 0u;
    }
    return n;
}

void main()
{
    uint live = (a.rows == 0u ? Tok.n : a.rows) * a.cols, n = 0u;
    uint end = live < a.first ? 0u : min(live - a.first, a.len);
    for (uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; 8u * i < end; i += gl_NumWorkGroups.x * WG)
        n += count_bad(i, end);
    if (n > 0u)
        atomicAdd(count, n);
}
#else
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
#endif
