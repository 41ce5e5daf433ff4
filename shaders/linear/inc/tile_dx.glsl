// tile_dx.glsl — gradient of x as a product: m = row, n = input column, k = output column.
#include "shaders/linear/linear.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/storage.glsl"

layout(binding = 0) readonly buffer DPre { float dpre[]; };    // (R, G N)
layout(binding = 1) readonly buffer W    { ELEMENT w[]; };     // (G, N, K)
layout(binding = 2)          buffer DX   { float dx[]; };      // (R, G K) +=
ROWS(3, Tok);
PUSH_ARGS(linear_args);
#include "shaders/linear/inc/tile_groups.glsl"

#define TILE_A_ALONG_K true
#define TILE_B_ALONG_K false
#define TILE_M (a.rows != 0u ? a.rows : Tok.n)
#define TILE_N a.in_cols

uvec2 tile_span()
{
    return uvec2(0u, a.out_cols);
}

float tile_a(uint m, uint k)
{
    return dpre[Y_AT(m, k)];
}

float tile_b(uint k, uint n)
{
    return LOAD_ELEMENT(w, W_AT(k, n));
}

void tile_store(uint m, uint n, float v)
{
    dx[X_AT(m, n)] += v;
}
