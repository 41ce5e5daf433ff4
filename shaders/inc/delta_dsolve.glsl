// delta_dsolve.glsl — (I + A)^T dR = dU, by columns, in place; and dv = beta dR beside it.
#include "delta_form.glsl"
BUFFER_IN(1, gates);                                           // gates, and k . k at AT_KK
BUFFER_IN(2, u_in);                                            // at AT_DU: (R, streams, dv)
BUFFER_OUT(3, u);                                              // the same memory

void main()
{
    uint blocks = (DV + WG * COLS - 1u) / (WG * COLS), own = (gl_WorkGroupID.x % blocks * WG + LANE) * COLS;
    span t = span_get(gl_WorkGroupID.x / blocks);
    if (t.n == 0u)
        return;
    uint col = min(own, DV - COLS);
    COL x[Q];
    FOR(r, Q)
        x[r] = r < t.n ? AT(u_in, AT_DU + token_of(t, r) * DV + col) : COL(0.0);
    FOR(i, Q) {
        uint r = Q - 1u - i, at = token_of(t, r);
        COL y = GATE(gates, at).z * x[r];
        FOR(s0, (Q + KB - 1u) / KB)
            if (s0 * KB < r) {
                FRAG f = FRAG_AT(gates, AT_KK + at * Q, s0 * KB, Q);
                FOR(j, KB)
                    if (s0 * KB + j < r)
                        x[s0 * KB + j] -= SHARED(f, j) * y;
            }
        if (r < t.n && own < DV) {
            PUT(u, AT_DU + at * DV + col, x[r]);
            PUT(u, AT_DV + at * DV + col, y);
        }
    }
}
