// gated_norm_fwd.glsl — forward: LANES invocations a norm, one norm of a row along y; the columns are read twice.
#include "shaders/norm/gated_norm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
#include "shaders/inc/quads.glsl"
READ(0, x);                                                    // (R, ld_x)
READ(1, z);                                                    // (R, ld_z) or absent
READ(2, w);                                                    // (N) or absent
layout(binding = 3) writeonly buffer Y   { T y[]; };           // (R, N)
layout(binding = 4) writeonly buffer Inv { float inv[]; };     // (R, norms): r
ROWS(5, Tok);
PUSH_ARGS(gated_norm_args);
#include "shaders/norm/inc/gated_norm.glsl"

void norm_rows(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW, from = min(row, n - 1u);
    uint g = gl_WorkGroupID.y, dir = g % a.dirs, h0 = a.whole != 0u ? 0u : g / a.dirs;
    T s = T(0.0);
    FOR_HEADS(h, h0) {
        uint xs = X_AT(from, h, dir), zs = Z_AT(from, h, dir);
        FOR_OWN(i) {
            T e = before(LOAD(x, xs + i), zs, i);
            s += e * e;
        }
    }
    float r = inversesqrt(row_sum(total(s)) / a.norm_len + a.eps);
    if (row < n && LANE == 0u)
        inv[row * NORMS + g] = r;
    FOR_HEADS(h, h0) {
        uint xs = X_AT(from, h, dir), zs = Z_AT(from, h, dir), ns = N_AT(h, dir);
        FOR_OWN(i) {
            T v = after(before(LOAD(x, xs + i), zs, i), zs, i) * (r * a.scale);
            if (HAS_W != 0u)
                v *= LOAD(w, ns + i);
            if (row < n)
                y[row * N_COLS + ns + i] = v;
        }
    }
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    FOR_TILES(n, norm_rows);
}
