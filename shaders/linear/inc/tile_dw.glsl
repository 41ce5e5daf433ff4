// tile_dw.glsl — gradient of w as a product: m = output column, n = input column, k = row. The rows are
// split over workgroups along z, each of which writes partial sums of its own; linear_reduce adds them.
#include "shaders/linear/linear.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/storage.glsl"

layout(binding = 0) readonly  buffer DPre { float dpre[]; };   // (R, G N)
layout(binding = 1) readonly  buffer X    { ELEMENT x[]; };    // (R, G K)
layout(binding = 2) writeonly buffer Part { float part[]; };   // (splits, G, N, K)
ROWS(3, Tok);
PUSH_ARGS(linear_args);
#include "shaders/linear/inc/tile_groups.glsl"

#define TILE_A_ALONG_K false
#define TILE_B_ALONG_K false
#define TILE_M a.out_cols
#define TILE_N a.in_cols

uvec2 tile_span()
{
    return split_rows(a.rows != 0u ? a.rows : Tok.n);
}

float tile_a(uint m, uint k)
{
    return dpre[Y_AT(k, m)];
}

float tile_b(uint k, uint n)
{
    return LOAD_ELEMENT(x, X_AT(k, n));
}

void tile_store(uint m, uint n, float v)
{
    part[PART_AT(m, n)] = v;
}
