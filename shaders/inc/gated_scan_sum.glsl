// gated_scan_sum.glsl — parts of a gradient added to it, in numbers of type T of N floats each: T part_get(at),
// void to_add(at, sum). One invocation a number of a row; stream after stream, slice after slice.
void main()
{
    uint width = a.width / N, cols = a.heads_to * a.dirs_to * width, n = Tok.n * cols;
    for (uint e = gl_GlobalInvocationID.x; e < n; e += gl_NumWorkGroups.x * WG) {
        uint row = e / cols, col = e % cols, i = col % width;
        uint d = col / width % a.dirs_to, h = col / width / a.dirs_to;
        bool any = false;
        T sum = T(0.0);
        for (uint l = 0u; l < a.streams; l++) {
            uint s = a.stream0 + l;
            if ((a.heads_to > 1u && s / a.dirs != h) || (a.dirs_to > 1u && s % a.dirs != d))
                continue;
            any = true;
            for (uint w = 0u; w < a.slices; w++)
                sum += part_get(a.at / N + ((row * a.streams + l) * a.slices + w) * width + i);
        }
        if (any)
            to_add((row * a.to.ld + a.to.col0 + h * a.to.head + d * a.to.dir_) / N + i, sum);
    }
}
