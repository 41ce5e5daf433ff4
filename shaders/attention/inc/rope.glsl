// Of column j of q, k and v side by side: its partner, the pair's number, and the sign of the partner's part.
struct Pair { uint partner, number; float sign; };

Pair get_pair(uint j)
{
    uint d = j % a.head_dim, half_dim = a.head_dim / 2u;
    if (a.interleaved != 0u)
        return Pair(d % 2u == 0u ? j + 1u : j - 1u, d / 2u, d % 2u == 0u ? -1.0 : 1.0);
    return d < half_dim ? Pair(j + half_dim, d, -1.0) : Pair(j - half_dim, d - half_dim, 1.0);
}
