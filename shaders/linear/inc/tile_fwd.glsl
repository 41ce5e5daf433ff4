// tile_fwd.glsl — forward as a product: m = row, n = output column, k = input column.
#include "shaders/linear/linear.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/storage.glsl"
#include "shaders/inc/act.glsl"

layout(binding = 0) readonly  buffer X    { ELEMENT x[]; };    // (R, G K)
layout(binding = 1) readonly  buffer W    { ELEMENT w[]; };    // (G, N, K)
layout(binding = 2) readonly  buffer Bias { float bias[]; };   // (G N)
layout(binding = 3) WRITEONLY buffer Y    { ELEMENT y[]; };    // (R, G N)
layout(binding = 4) WRITEONLY buffer Pre  { ELEMENT pre[]; };  // (R, G N), where a backward pass follows
ROWS(5, Tok);
PUSH_ARGS(linear_args);
#include "shaders/linear/inc/tile_groups.glsl"
layout(constant_id = SPEC_LINEAR_BIAS) const uint HAS_BIAS = 0u;
layout(constant_id = SPEC_LINEAR_PRE) const uint KEEPS_PRE = 0u;
layout(constant_id = SPEC_LINEAR_ACT) const uint ACT = LINEAR_ACT_NONE;

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
    return LOAD_ELEMENT(x, X_AT(m, k));
}

float tile_b(uint k, uint n)
{
    return LOAD_ELEMENT(w, W_AT(n, k));
}

#ifdef STORAGE_PAIRS
#define TILE_PAIRS                 // the product calls tile_store_pair, not tile_store
// Results (m, n) and (m, n + 1), where there is one; n is even.
void tile_store_pair(uint m, uint n, vec2 v)
{
    uint i = Y_AT(m, n), last = a.out_cols - 1u;
    if (HAS_BIAS != 0u)
        v += vec2(bias[GROUP * a.out_cols + n], bias[GROUP * a.out_cols + min(n + 1u, last)]);
    if (KEEPS_PRE != 0u) {
        STORE_PAIR(pre, i, v, n < last)
    }
    if (ACT != LINEAR_ACT_NONE)
        v = vec2(act(ACT, v.x), act(ACT, v.y));
    STORE_PAIR(y, i, v, n < last)
}
#else
void tile_store(uint m, uint n, float v)
{
    uint i = Y_AT(m, n);
    if (HAS_BIAS != 0u)
        v += bias[GROUP * a.out_cols + n];
    if (KEEPS_PRE != 0u) {
        STORE_ELEMENT(pre, i, v);
    }
    if (ACT != LINEAR_ACT_NONE)
        v = act(ACT, v);
    STORE_ELEMENT(y, i, v);
}
#endif
