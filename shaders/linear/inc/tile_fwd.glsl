// tile_fwd.glsl — forward as a product: m = row, n = output column, k = input column.
#include "shaders/linear/linear.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/act.glsl"

layout(binding = 0) readonly  buffer X    { float x[]; };      // (R, G K)
layout(binding = 1) readonly  buffer W    { float w[]; };      // (G, N, K)
layout(binding = 2) readonly  buffer Bias { float bias[]; };   // (G N)
layout(binding = 3) writeonly buffer Y    { float y[]; };      // (R, G N)
layout(binding = 4) writeonly buffer Pre  { float pre[]; };    // (R, G N), with GELU only
ROWS(5, Tok);
PUSH_ARGS(linear_args);
#include "shaders/linear/inc/tile_groups.glsl"

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
    return x[X_AT(m, k)];
}

float tile_b(uint k, uint n)
{
    return w[W_AT(n, k)];
}

void tile_store(uint m, uint n, float v)
{
    uint i = Y_AT(m, n);
    if (a.has_bias != 0u)
        v += bias[GROUP * a.out_cols + n];
    if (a.act != LINEAR_ACT_NONE) {
        pre[i] = v;
        v = act(a.act, v);
    }
    y[i] = v;
}
