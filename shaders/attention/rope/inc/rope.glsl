// rope.glsl — the row of the table for a row of tokens, and the pair that a column belongs to.
layout(constant_id = SPEC_ROPE_PLACES) const uint HAS_PLACES = 0u;

// Of row `row`; from a.places on: none.
uint get_place(uint row)
{
    return (HAS_PLACES != 0u ? places[row] : ROWS_POS(Tok, row)) - a.prefix;
}

// Of column j of q, k and v side by side: its partner, the pair's number, and the sign of the partner's part.
struct Pair { uint partner, number; float sign; };

Pair get_pair(uint j)
{
    uint d = j % a.head_dim, half_dim = a.rotary / 2u;
    if (a.interleaved != 0u)
        return Pair(d % 2u == 0u ? j + 1u : j - 1u, d / 2u, d % 2u == 0u ? -1.0 : 1.0);
    return d < half_dim ? Pair(j + half_dim, d, -1.0) : Pair(j - half_dim, d - half_dim, 1.0);
}

bool is_turned(uint j, uint place)
{
    return j < a.turned && j % a.head_dim < a.rotary && place < a.places;
}
