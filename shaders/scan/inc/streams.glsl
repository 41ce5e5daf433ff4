// streams.glsl — where stream s = h * dirs + dir of a mixer finds its columns, in row-wise kernels. Needs
// reduce_rows.glsl, for kernels that own columns, and args `a` with heads, dirs, dim, ld_x, x_col0, x_head, x_dir.
//
// LANES neighbouring invocations share a row: column i of every stream is of the same one, so that streams which share
// columns of a gradient are added up by one invocation, in order.
#define X_AT(row, h, dir) ((row) * a.ld_x + a.x_col0 + (h) * a.x_head + (dir) * a.x_dir)
#define N_AT(h, dir)      (((h) * a.dirs + (dir)) * a.dim)     // its columns of what has one of each stream
#define N_COLS            (a.heads * a.dirs * a.dim)           // and how many that are
#define FOR_OWN(i)        for (uint i = LANE; i < a.dim; i += LANES)
#define FOR_OWN_IF(i, is) for (uint i = (is) ? LANE : a.dim; i < a.dim; i += LANES)
// Backward kernels: the streams of a workgroup, one of head_parts * dir_parts along y, with `step` heads at a time.
#define FOR_PART(h, dir, step)                                                                              \
    for (uint dir = gl_WorkGroupID.y / a.head_parts * (a.dirs / a.dir_parts), dir##_end = dir + a.dirs / a.dir_parts; \
         dir < dir##_end; dir++)                                                                            \
        for (uint h = gl_WorkGroupID.y % a.head_parts * (a.heads / a.head_parts),                           \
                  h##_end = h + a.heads / a.head_parts; h < h##_end; h += (step))
