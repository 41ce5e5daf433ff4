// vocab_rows_state.glsl — running statistics of each row over the chunks so far.
#include "shaders/loss/vocab/inc/vocab_rows.glsl"

READ(0, chunk);                                                     // (R, ld)
layout(binding = 1) readonly buffer Labels { uint label[]; };       // (R)
layout(binding = 2)          buffer State  { vec4 state[]; };       // (R): maximum, sum of exp(logit - maximum), logit
                                                                    // of the label, id of the maximum
layout(binding = 3) readonly buffer Logits { float logits[]; };     // chunk again
ROWS(4, Tok);
PUSH_ARGS(vocab_loss_args);
layout(constant_id = SPEC_VOCAB_LOSS_TOP) const uint FINDS_TOP = 0u;

void add_chunk(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW, from = min(row, n - 1u), y = label[from];
    vec4 before = a.first == 0u ? vec4(ROW_LOWEST, 0.0, 0.0, 0.0) : state[from];
    T best = T(ROW_LOWEST), sums = T(0.0), least = T(ID_LIMIT);
    FOR_COLUMNS(k)
        best = max(best, WHERE(HAS(k), CHUNK(from, k), ROW_LOWEST));
    float top = row_max(most(best)), now = max(top, before.x);
    FOR_COLUMNS(k) {
        T v = CHUNK(from, k);
        sums += WHERE(HAS(k), exp(v - now), 0.0);
        if (FINDS_TOP != 0u)
#ifdef QUADS
            least = min(least, mix(T(ID_LIMIT), IDS(k), equal(mix(T(ROW_LOWEST), v, HAS(k)), T(top))));
#else
            least = min(least, HAS(k) && v == top ? IDS(k) : ID_LIMIT);
#endif
    }
    float sum = row_sum(total(sums)), id = before.w;
    if (FINDS_TOP != 0u) {
        float here = -row_max(most(-least));
        id = top > before.x || a.first == 0u ? here + float(a.first) : before.w;
    }
    if (row < n && LANE == 0u) {
        uint at = y - a.first;      // wraps to more than a.n where the label comes before the chunk
        float own = at < a.n ? logits[row * a.ld + min(at, a.n - 1u)] : before.z;
        state[row] = vec4(now, before.y * exp(before.x - now) + sum, own, id);
    }
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    FOR_TILES(n, add_chunk);
}
