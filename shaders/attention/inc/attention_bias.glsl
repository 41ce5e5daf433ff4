// attention_bias.glsl — what relative positions add to a score. Include it behind ROWS(0, Tok), PUSH_ARGS of arguments
// that have `heads` and an attention_bias_args `bias`, and a buffer `table` (N, H).
layout(constant_id = SPEC_ATTENTION_BIAS) const uint BIAS = 0u;

#define BEFORE_GRID 0xffffffffu

// Where a row stands: its patch's row of the grid times 2 w - 1, and its column. What is between two patches is the
// difference of these numbers.
uint bias_place(uint row)
{
    uint place = ROWS_POS(Tok, row), of_grid = place - a.bias.prefix;
    return place < a.bias.prefix ? BEFORE_GRID : of_grid + of_grid / a.bias.grid_w * (a.bias.grid_w - 1u);
}

// The row of the table of a query and a key.
uint bias_row(uint query, uint key)
{
    if (query == BEFORE_GRID)
        return key == BEFORE_GRID ? a.bias.rows - 1u : a.bias.rows - 3u;
    return key == BEFORE_GRID ? a.bias.rows - 2u : query - key + (a.bias.rows - 4u) / 2u;
}

float bias_of(uint query, uint key, uint h)
{
    return table[bias_row(query, key) * a.heads + h];
}
