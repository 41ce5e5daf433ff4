// rope_quads.glsl — where four columns of q, k and v side by side find their partners and angles, in vec4. All is read
// whether it is turned or not: software drivers load fast only where no branch is open.
layout(constant_id = SPEC_ROPE_PLACES) const uint HAS_PLACES = 0u;

struct Quad { bool is_turned; uint partner, at; float sign; };

// Of vec4 i of the tensor, in row `row`.
Quad get_quad(uint i, uint row)
{
    uint place = (HAS_PLACES != 0u ? places[row] : ROWS_POS(Tok, row)) - a.prefix;
    uint j = 4u * (i % (a.ld / 4u)), d = j % a.head_dim, half_dim = a.rotary / 2u;
    bool is_turned = j < a.turned && d < a.rotary && place < a.places, is_first = d < half_dim;
    uint partner = is_first ? i + half_dim / 4u : i - half_dim / 4u;
    uint at = place * (a.rotary / 4u) + (is_first ? d : d - half_dim) / 4u;
    return Quad(is_turned, is_turned ? partner : i, is_turned ? at : 0u, is_first ? -1.0 : 1.0);
}
