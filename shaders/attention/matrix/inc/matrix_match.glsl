// matrix_match.glsl — one entry of the mixing matrix and of the teacher's weights, for the query in row i and the key
// in row j of one image.

float q_at(uint row, uint h, uint dir, uint c)
{
    return q[row * a.q.ld + a.q.col0 + h * a.q.head + dir * a.q.dir_ + c];
}

float k_at(uint row, uint h, uint dir, uint c)
{
    return k[row * a.k.ld + a.k.col0 + h * a.k.head + dir * a.k.dir_ + c];
}

float step_at(uint row, uint h, uint dir)
{
    return a.has_step != 0u ? step_[row * a.step.ld + a.step.col0 + h * a.step.head + dir * a.step.dir_] : 1.0;
}

// Does direction dir have an entry there? Recurrences do not see what comes after.
bool has_entry(uint dir, uint i, uint j)
{
    return a.width == 0u || (dir == 0u ? j <= i : j >= i);
}

// The decay from key j to query i, of channel c.
float decay_at(uint h, uint dir, uint c, uint i, uint j)
{
    if (a.width == 0u)
        return 1.0;
    uint s = h * a.dirs + dir, at = a.width == 1u ? 0u : c;
    vec2 gi = cum[(i * a.heads * a.dirs + s) * a.width + at], gj = cum[(j * a.heads * a.dirs + s) * a.width + at];
    return exp((gi.x - gj.x) + (gi.y - gj.y));
}

// M_ij, of features before it is over S_i.
float matrix_at(uint h, uint i, uint j)
{
    float m = 0.0;
    for (uint dir = 0u; dir < a.dirs; dir++) {
        if (!has_entry(dir, i, j))
            continue;
        float s = 0.0;
        for (uint c = 0u; c < a.dk; c++)
            s += q_at(i, h, dir, c) * k_at(j, h, dir, c) * (a.width > 1u ? decay_at(h, dir, c, i, j) : 1.0);
        if (a.width == 1u)
            s *= decay_at(h, dir, 0u, i, j);
        m += s * step_at(j, h, dir);
    }
    return m * a.scale / float(a.dirs);
}

float teacher_at(uint h, uint i, uint j)
{
    uint C = a.heads * a.head_dim, qi = i * 3u * C + h * a.head_dim, kj = j * 3u * C + C + h * a.head_dim;
    float s = 0.0;
    for (uint d = 0u; d < a.head_dim; d++)
        s += qkv[qi + d] * qkv[kj + d];
    return exp(s * a.teacher_scale - lse[i * a.heads + h]);
}
