// vocab_dx.glsl — gradient of x as a product: m = row, n = channel, k = column of the chunk.
#include "shaders/loss/vocab/vocab_loss.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"

layout(binding = 0) readonly buffer Chunk { float chunk[]; };       // (R, ld) slopes
layout(binding = 1) readonly buffer Table { float table[]; };       // (V, C)
layout(binding = 2)          buffer DX    { float dx[]; };          // (R, C) +=
ROWS(3, Tok);
PUSH_ARGS(vocab_loss_args);

#define TILE_A_ALONG_K true
#define TILE_B_ALONG_K false
#define TILE_M (a.rows != 0u ? a.rows : Tok.n)
#define TILE_N a.cols

uvec2 tile_span()
{
    return uvec2(0u, a.n);
}

float tile_a(uint m, uint k)
{
    return chunk[m * a.ld + k];
}

float tile_b(uint k, uint n)
{
    return table[(a.first + k) * a.cols + n];
}

void tile_store(uint m, uint n, float v)
{
    dx[m * a.cols + n] += v;
}
