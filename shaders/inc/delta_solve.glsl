// delta_solve.glsl — (I + A) x = right side, by columns: W from beta exp(G) K and U from beta V; a lane holds its
// columns of all tokens of the chunk.
#include "delta_form.glsl"
BUFFER_IN(1, k);                                               // (R, k_ld)
BUFFER_IN(2, v);                                               // (R, v_ld)
BUFFER_IN(3, gates);                                           // gates, and k . k at AT_KK
BUFFER_OUT(4, w);                                              // (R, streams, dk)
BUFFER_OUT(5, u);                                              // (R, streams, dv)

void main()
{
    uint each = WG * COLS, kblocks = (DK + each - 1u) / each, blocks = kblocks + (DV + each - 1u) / each;
    uint block = gl_WorkGroupID.x % blocks;
    span t = span_get(gl_WorkGroupID.x / blocks);
    if (t.n == 0u)
        return;
    bool is_w = block < kblocks;
    uint cols = is_w ? DK : DV, own = ((is_w ? block : block - kblocks) * WG + LANE) * COLS;
    uint col = min(own, cols - COLS);
    COL x[Q];
    FOR(r, Q) {
        uint row = row_of(t, r), at = token_of(t, r);
        vec4 gate = GATE(gates, at);
        if (is_w)
            x[r] = gate.x * AT(k, row * a.k_ld + COLUMN(t, k) + col);
        else
            x[r] = AT(v, row * a.v_ld + COLUMN(t, v) + col);
        FOR(s0, (Q + KB - 1u) / KB)
            if (s0 * KB < r) {
                FRAG f = FRAG_AT(gates, AT_KK + at * Q, s0 * KB, Q);
                FOR(j, KB)
                    if (s0 * KB + j < r)
                        x[r] -= SHARED(f, j) * x[s0 * KB + j];
            }
        x[r] *= gate.z;
        if (r < t.n && own < cols) {
            if (is_w)
                PUT(w, at * DK + col, x[r]);
            else
                PUT(u, at * DV + col, x[r]);
        }
    }
}
