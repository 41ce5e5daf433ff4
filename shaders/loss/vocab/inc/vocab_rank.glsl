// vocab_rank.glsl — how many logits of a chunk are above that of the row's label.
#include "shaders/loss/vocab/inc/vocab_rows.glsl"

READ(0, chunk);                                                     // (R, ld)
layout(binding = 1) readonly buffer Labels { uint label[]; };       // (R)
layout(binding = 2) readonly buffer State  { vec4 state[]; };       // (R), see vocab_rows_state.glsl
layout(binding = 3)          buffer Rank   { uint rank[]; };        // (R): set by the last chunk, then added to
ROWS(4, Tok);
PUSH_ARGS(vocab_loss_args);

void count_above(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW, from = min(row, n - 1u);
    float own = state[from].z;
    T above = T(0.0);
    FOR_COLUMNS(k)
#ifdef QUADS
        above += mix(T(0.0), T(1.0), greaterThan(mix(T(own), CHUNK(from, k), HAS(k)), T(own)));
#else
        above += HAS(k) && CHUNK(from, k) > own ? 1.0 : 0.0;
#endif
    uint here = uint(row_sum(total(above)));
    if (row < n && LANE == 0u)
        rank[row] = label[row] >= a.vocab ? VOCAB_LOSS_NONE : (a.first + a.n == a.vocab ? 0u : rank[row]) + here;
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    FOR_TILES(n, count_above);
}
