// reduce_rows.glsl — LANES neighbouring invocations share a row; sums and maxima over them.
//   One lane a row needs no barrier at all (software drivers); 32 read a row in order (GPUs).
// Every invocation of the workgroup must call row_sum() and row_max(), whether its row is live or not.
#include "lanes.h"
layout(constant_id = SPEC_LANES) const uint LANES = 1u;
#define GROUP_ROWS (WG / LANES)                             // rows a workgroup holds at a time
#define GROUP_ROW  (gl_LocalInvocationID.x / LANES)         // which of them is mine
#define LANE       (gl_LocalInvocationID.x & (LANES - 1u))
#define ROW_LOWEST (-1.7014117e38)                          // -FLT_MAX / 2: a finite "nothing yet"
shared float row_scratch[WG];

float row_swap(float v, uint s)    // the value of the lane whose number differs in bit s
{
    barrier();                     // protects the readers of the swap before
    row_scratch[gl_LocalInvocationID.x] = v;
    barrier();
    return row_scratch[gl_LocalInvocationID.x ^ s];
}

// Both sides of a swap add the same two numbers, so every lane ends with the same bits.
float row_sum(float v)
{
    for (uint s = LANES / 2u; s > 0u; s >>= 1u)
        v += row_swap(v, s);
    return v;
}

float row_max(float v)
{
    for (uint s = LANES / 2u; s > 0u; s >>= 1u)
        v = max(v, row_swap(v, s));
    return v;
}
