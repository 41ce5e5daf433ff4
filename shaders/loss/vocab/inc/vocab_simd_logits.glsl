// vocab_simd_logits.glsl — as vocab_logits.glsl, four columns at a time; C and ld are multiples of 4.
#include "shaders/loss/vocab/vocab_loss.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"

layout(binding = 0) uniform samplerBuffer x;                        // (R, C)
layout(binding = 1) uniform samplerBuffer table;                    // (V, C)
layout(binding = 2) writeonly buffer Chunk  { vec4 chunk[]; };      // (R, ld)
ROWS(3, Tok);
#ifdef SLOPES
layout(binding = 4) readonly  buffer Labels { uint label[]; };      // (R)
layout(binding = 5) readonly  buffer Lse    { float lse[]; };       // (R)
layout(binding = 6) readonly  buffer DLoss  { float dloss[]; };     // (1)
layout(binding = 7) readonly  buffer Count  { uint count[]; };      // (1)
#endif
PUSH_ARGS(vocab_loss_args);
#include "shaders/loss/vocab/inc/vocab_slope.glsl"

#define TILE_M (a.rows != 0u ? a.rows : Tok.n)
#define TILE_N a.n

uvec2 tile_span()
{
    return uvec2(0u, a.cols);
}

mat4 tile_a4(uint m, uint k, uint end)
{
    uint M = TILE_M;
    mat4 v;
    for (uint j = 0u; j < 4u; j++)
        v[j] = texelFetch(x, int((min(m + j, M - 1u) * a.cols + k) / 4u));
    return transpose(v);
}

mat4 tile_b4(uint k, uint n, uint end)
{
    mat4 v;
    for (uint j = 0u; j < 4u; j++)
        v[j] = texelFetch(table, int(((a.first + min(n + j, a.n - 1u)) * a.cols + k) / 4u));
    return transpose(v);
}

vec4 tile_start4(uint n)
{
    return vec4(0.0);
}

// Behind column a.n - 1 there is room up to ld.
void tile_store4(uint m, uint n, vec4 v)
{
#ifdef SLOPES
    v = get_slopes(m, n, v);
#endif
    chunk[(m * a.ld + n) / 4u] = v;
}

#include "shaders/linear/inc/tile_simd.glsl"
