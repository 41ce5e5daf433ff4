// attention_bwd_bias.glsl — shared by the forms of the gradient of a table of relative positions: the workgroup's own
// copy of the table, in memory, and what its invocations hold of the last three rows, which many pairs share.
float beside[3] = { 0.0, 0.0, 0.0 };

uint part_at(uint row, uint h)
{
    return (gl_WorkGroupID.z * a.bias.rows + row) * a.heads + h;
}

// All but those three, before the first queries.
void clear_part(uint h)
{
    if (a.first == 0u)
        for (uint row = gl_LocalInvocationID.x; row < a.bias.rows - 3u; row += WG)
            part[part_at(row, h)] = 0.0;
}

// One of those three: the sum of what the invocations hold.
void add_beside(uint c, uint h, float sum)
{
    uint at = part_at(a.bias.rows - 3u + c, h);
    part[at] = a.first == 0u ? sum : part[at] + sum;
}

// The gradient of one pair's score. Pairs of patches of one query at a time, and a barrier before the next.
void add_pair(uint query, uint key, uint h, float ds)
{
    if (query != BEFORE_GRID && key != BEFORE_GRID)
        part[part_at(bias_row(query, key), h)] += ds;
    beside[0] += query == BEFORE_GRID && key != BEFORE_GRID ? ds : 0.0;
    beside[1] += query != BEFORE_GRID && key == BEFORE_GRID ? ds : 0.0;
    beside[2] += query == BEFORE_GRID && key == BEFORE_GRID ? ds : 0.0;
}
