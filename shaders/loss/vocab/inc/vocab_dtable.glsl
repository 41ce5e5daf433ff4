// vocab_dtable.glsl — gradient of the table as a product: m = column of the chunk, n = channel, k = row. One workgroup
// sums all rows of a tile, in order.
#include "shaders/loss/vocab/vocab_loss.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"

layout(binding = 0) readonly buffer Chunk  { float chunk[]; };      // (R, ld) slopes
layout(binding = 1) readonly buffer X      { float x[]; };          // (R, C)
layout(binding = 2)          buffer DTable { float dtable[]; };     // (V, C) +=
ROWS(3, Tok);
PUSH_ARGS(vocab_loss_args);

#define TILE_A_ALONG_K false
#define TILE_B_ALONG_K false
#define TILE_M a.n
#define TILE_N a.cols

uvec2 tile_span()
{
    uint rows = a.rows != 0u ? a.rows : Tok.n;
    return uvec2(min(a.row0, rows), min(a.row1, rows));
}

float tile_a(uint m, uint k)
{
    return chunk[k * a.ld + m];
}

float tile_b(uint k, uint n)
{
    return x[k * a.cols + n];
}

void tile_store(uint m, uint n, float v)
{
    dtable[(a.first + m) * a.cols + n] += v;
}
