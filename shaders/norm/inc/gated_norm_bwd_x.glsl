// gated_norm_bwd_x.glsl — gradients of x and z, LANES invocations a norm. Norms that share columns of x or z are
// one after the other in one workgroup; parts that do not are spread along y.
#include "shaders/norm/gated_norm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
#include "shaders/inc/quads.glsl"
READ(0, x);                                                    // (R, ld_x)
READ(1, z);                                                    // (R, ld_z) or absent
READ(2, w);                                                    // (N) or absent
layout(binding = 3) readonly buffer Inv { float inv[]; };      // (R, norms)
READ(4, dout);                                                 // (R, N)
layout(binding = 5)          buffer DX  { T dx[]; };           // (R, ld_x) += in the columns of the streams
layout(binding = 6)          buffer DZ  { T dz[]; };           // (R, ld_z) += alike
#ifdef QUADS
layout(binding = 6)          buffer OddDZ { float odd_dz[]; }; // the same
#endif
ROWS(7, Tok);
PUSH_ARGS(gated_norm_args);
#include "shaders/norm/inc/gated_norm.glsl"

// Gradient of what comes out of the norm and w, scaled.
T own_gradient(uint row, uint n)
{
    T v = LOAD(dout, row * N_COLS + n) * a.scale;
    if (HAS_W != 0u)
        v *= LOAD(w, n);
    return v;
}

void add_z(uint zs, uint i, T v)
{
#ifdef QUADS
    if (ODD_Z != 0u) {
        for (uint c = 0u; c < 4u; c++)
            odd_dz[zs + 4u * i + c] += v[c];
        return;
    }
#endif
    dz[zs + i] += v;
}

void add_norm(uint row, uint n, uint h0, uint dir)
{
    uint from = min(row, n - 1u);
    float r = inv[from * NORMS + NORM_OF(h0, dir)];
    T s = T(0.0);
    FOR_HEADS(h, h0) {
        uint xs = X_AT(from, h, dir), zs = Z_AT(from, h, dir), ns = N_AT(h, dir);
        FOR_OWN(i)
            s += after(own_gradient(from, ns + i), zs, i) * before(LOAD(x, xs + i), zs, i);
    }
    float t = row_sum(total(s)) / a.norm_len * r * r;
    FOR_HEADS(h, h0) {
        uint xs = X_AT(from, h, dir), zs = Z_AT(from, h, dir), ns = N_AT(h, dir);
        FOR_OWN_IF(i, row < n) {
            T v = LOAD(x, xs + i), g = own_gradient(from, ns + i);
            T de = r * (after(g, zs, i) - before(v, zs, i) * t);
            dx[xs + i] += before(de, zs, i);
            if (GATE == GATED_NORM_GATE_FIRST)
                add_z(zs, i, de * v * silu_slope(load_z(zs, i)));
            if (GATE == GATED_NORM_NORM_FIRST)
                add_z(zs, i, g * v * r * silu_slope(load_z(zs, i)));
        }
    }
}

void add_rows(uint tile, uint n)
{
    FOR_PART(h, dir, NORM_HEADS)
        add_norm(tile * GROUP_ROWS + GROUP_ROW, n, h, dir);
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    FOR_TILES(n, add_rows);
}
