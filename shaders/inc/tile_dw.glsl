// tile_dw.glsl — gradient of w as a product: m = output column, n = input column, k = row. The rows are
// split over workgroups along z, each of which writes partial sums of its own; linear_reduce adds them.
#include "linear.h"
#include "inc/kernel.glsl"
#include "inc/rows.glsl"

layout(binding = 0) readonly  buffer DPre { float dpre[]; };   // (R, N)
layout(binding = 1) readonly  buffer X    { float x[]; };      // (R, K)
layout(binding = 2) writeonly buffer Part { float part[]; };   // (splits, N, K)
ROWS(3, Tok);
PUSH_ARGS(linear_args);

#define TILE_A_ALONG_K false
#define TILE_B_ALONG_K false
#define TILE_M a.out_cols
#define TILE_N a.in_cols

uvec2 tile_span()
{
    uint rows = a.rows != 0u ? a.rows : Tok.n, chunk = (rows + a.splits - 1u) / a.splits;
    uint k0 = min(gl_WorkGroupID.z * chunk, rows);
    return uvec2(k0, min(k0 + chunk, rows));
}

float tile_a(uint m, uint k)
{
    return dpre[k * a.out_cols + m];
}

float tile_b(uint k, uint n)
{
    return x[k * a.in_cols + n];
}

void tile_store(uint m, uint n, float v)
{
    part[(gl_WorkGroupID.z * a.out_cols + m) * a.in_cols + n] = v;
}
