// tile_groups.glsl — which of the G groups of columns a workgroup multiplies, and where its matrices are.
// With one group all of it folds away.
layout(constant_id = SPEC_TILE_GROUPS) const uint GROUPS = 1u;
#define GROUP  (GROUPS == 1u ? 0u : gl_WorkGroupID.z % GROUPS)
#define X_AT(row, col) ((row) * (a.in_cols * GROUPS) + GROUP * a.in_cols + (col))       // x (R, G K)
#define Y_AT(row, col) ((row) * (a.out_cols * GROUPS) + GROUP * a.out_cols + (col))     // y (R, G N)
#define W_AT(n, k)     ((GROUP * a.out_cols + (n)) * a.in_cols + (k))                   // w (G, N, K)
#define LAST_TEXEL(rows) (((rows) * a.out_cols * GROUPS - 1u) / 4u)                      // of y

#define PART_AT(n, k)  ((gl_WorkGroupID.z * a.out_cols + (n)) * a.in_cols + (k))        // (splits, G, N, K)

// First and last + 1 of the rows that a workgroup of a weight gradient sums.
uvec2 split_rows(uint rows)
{
    uint chunk = (rows + a.splits - 1u) / a.splits, r0 = min(gl_WorkGroupID.z / GROUPS * chunk, rows);
    return uvec2(r0, min(r0 + chunk, rows));
}
