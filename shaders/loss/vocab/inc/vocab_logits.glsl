// vocab_logits.glsl — logits of a chunk as a product: m = row, n = column of the chunk, k = channel.
#include "shaders/loss/vocab/vocab_loss.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"

layout(binding = 0) readonly  buffer X      { float x[]; };         // (R, C)
layout(binding = 1) readonly  buffer Table  { float table[]; };     // (V, C)
layout(binding = 2) writeonly buffer Chunk  { float chunk[]; };     // (R, ld)
ROWS(3, Tok);
#ifdef SLOPES
layout(binding = 4) readonly  buffer Labels { uint label[]; };      // (R)
layout(binding = 5) readonly  buffer Lse    { float lse[]; };       // (R)
layout(binding = 6) readonly  buffer DLoss  { float dloss[]; };     // (1)
layout(binding = 7) readonly  buffer Count  { uint count[]; };      // (1)
#endif
PUSH_ARGS(vocab_loss_args);
#include "shaders/loss/vocab/inc/vocab_slope.glsl"

#define TILE_A_ALONG_K true
#define TILE_B_ALONG_K true
#define TILE_M (a.rows != 0u ? a.rows : Tok.n)
#define TILE_N a.n

uvec2 tile_span()
{
    return uvec2(0u, a.cols);
}

float tile_a(uint m, uint k)
{
    return x[m * a.cols + k];
}

float tile_b(uint k, uint n)
{
    return table[(a.first + n) * a.cols + k];
}

void tile_store(uint m, uint n, float v)
{
#ifdef SLOPES
    v = get_slopes(m, n, vec4(v)).x;
#endif
    chunk[m * a.ld + n] = v;
}
