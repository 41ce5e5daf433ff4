// tile_fwd.glsl — forward as a product: m = row, n = output column, k = input column.
#include "linear.h"
#include "inc/kernel.glsl"
#include "inc/rows.glsl"
#include "inc/gelu.glsl"

layout(binding = 0) readonly  buffer X    { float x[]; };      // (R, K)
layout(binding = 1) readonly  buffer W    { float w[]; };      // (N, K)
layout(binding = 2) readonly  buffer Bias { float bias[]; };   // (N)
layout(binding = 3) writeonly buffer Y    { float y[]; };      // (R, N)
layout(binding = 4) writeonly buffer Pre  { float pre[]; };    // (R, N), with GELU only
ROWS(5, Tok);
PUSH_ARGS(linear_args);

#define TILE_A_ALONG_K true        // neighbours in memory are neighbours along k, not m
#define TILE_B_ALONG_K true        // ... not n
#define TILE_M (a.rows != 0u ? a.rows : Tok.n)
#define TILE_N a.out_cols

// First and last + 1 of k.
uvec2 tile_span()
{
    return uvec2(0u, a.in_cols);
}

float tile_a(uint m, uint k)
{
    return x[m * a.in_cols + k];
}

float tile_b(uint k, uint n)
{
    return w[n * a.in_cols + k];
}

void tile_store(uint m, uint n, float v)
{
    uint i = m * a.out_cols + n;
    if (a.has_bias != 0u)
        v += bias[n];
    if (a.act == LINEAR_ACT_GELU) {
        pre[i] = v;
        v = gelu(v);
    }
    y[i] = v;
}
