// gated_scan_sum.glsl — parts of a gradient added to it, in numbers of type T of N floats each: T part_get(at),
// void to_add(at, sum). One invocation a column, row after row of its tile; stream after stream, slice after slice.
void main()
{
    uint width = a.width / N, cols = a.heads_to * a.dirs_to * width;
    for (uint r0 = gl_WorkGroupID.x * GATED_SCAN_SUM_ROWS; r0 < Tok.n; r0 += gl_NumWorkGroups.x * GATED_SCAN_SUM_ROWS)
        for (uint col = gl_LocalInvocationID.x; col < cols; col += WG) {
            uint i = col % width, d = col / width % a.dirs_to, h = col / width / a.dirs_to;
            uint h0 = a.heads_to > 1u ? h : 0u, h1 = a.heads_to > 1u ? h + 1u : a.heads;
            uint d0 = a.dirs_to > 1u ? d : 0u, d1 = a.dirs_to > 1u ? d + 1u : a.dirs;
            uint to_col = (a.to.col0 + h * a.to.head + d * a.to.dir_) / N + i;
            for (uint row = r0; row < min(r0 + GATED_SCAN_SUM_ROWS, Tok.n); row++) {
                T sum = T(0.0);
                bool any = false;
                for (uint h_ = h0; h_ < h1; h_++)
                    for (uint d_ = d0; d_ < d1; d_++) {
                        uint l = h_ * a.dirs + d_ - a.stream0;     // wraps below the first stream
                        if (l >= a.streams)
                            continue;
                        any = true;
                        for (uint w = 0u; w < a.slices; w++)
                            sum += part_get(a.at / N + ((row * a.streams + l) * a.slices + w) * width + i);
                    }
                if (any)
                    to_add(row * (a.to.ld / N) + to_col, sum);
            }
        }
}
