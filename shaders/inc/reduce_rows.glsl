// reduce_rows.glsl — LANES neighbouring invocations share a row; sums and maxima over them.
//   One lane a row needs no barrier at all (software drivers); 32 read a row in order (GPUs).
// Every invocation of the workgroup must call row_sum() and row_max(), whether its row is live or not:
// one without a row works on the last row again and writes nothing.
//
// A lane can hold its EACH columns in registers. Software drivers load fast only where no branch and
// no loop is open: so such kernels load and compute in straight lines and put only stores under an if.
#extension GL_EXT_control_flow_attributes : require
#include "shaders/inc/lanes.h"
layout(constant_id = SPEC_LANES) const uint LANES = 1u;
layout(constant_id = SPEC_COLS) const uint COLS = 1u;
layout(constant_id = SPEC_ONCE) const uint ONCE = 0u;
const uint EACH = (COLS + LANES - 1u) / LANES;
#define GROUP_ROWS (WG / LANES)                             // rows a workgroup holds at a time
#define GROUP_ROW  (gl_LocalInvocationID.x / LANES)         // which of them is mine
#define LANE       (gl_LocalInvocationID.x & (LANES - 1u))
#define ROW_LOWEST (-1.7014117e38)                          // -FLT_MAX / 2: a finite "nothing yet"
// Column e of my lane; the last few lanes may have one less, see HAS_COL.
#define COL(e)     min(LANE + (e) * LANES, COLS - 1u)
#define HAS_COL(e) (LANE + (e) * LANES < COLS)
#define FOR_EACH(e) [[unroll]] for (uint e = 0u; e < EACH; e++)
// Calls f(tile, n) for every tile of rows of this workgroup.
#define FOR_TILES(n, f)                                                                         \
    if (ONCE == 1u)                                                                             \
        f(gl_WorkGroupID.x, n);                                                                 \
    else                                                                                        \
        for (uint tile = gl_WorkGroupID.x; tile * GROUP_ROWS < n; tile += gl_NumWorkGroups.x)   \
            f(tile, n)
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
