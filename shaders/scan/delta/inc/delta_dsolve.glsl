// delta_dsolve.glsl — (I + A)^T dR = dU, by columns, in place; and dv = beta dR beside it. A lane holds its columns
// of BLOCK tokens, and reads those of later blocks where it has put them.
#include "shaders/scan/delta/inc/delta_form.glsl"
BUFFER_IN(1, gates);                                           // gates, and k . k at AT_KK
BUFFER_IN(2, u_in);                                            // at AT_DU: (R, streams, dv)
BUFFER_OWN(3, u);                                              // the same memory

void main()
{
    uint blocks = (DV + WG * COLS - 1u) / (WG * COLS), own = (gl_WorkGroupID.x % blocks * WG + LANE) * COLS;
    span t = span_get(gl_WorkGroupID.x / blocks);
    uint col = min(own, DV - COLS);
    for (uint left = (t.n + BLOCK - 1u) / BLOCK; left > 0u; left--) {
        uint r0 = (left - 1u) * BLOCK;
        COL x[BLOCK];
        FOR(r, BLOCK)
            x[r] = r0 + r < t.n ? AT(u_in, AT_DU + token_of(t, r0 + r) * DV + col) : COL(0.0);
        if (Q > BLOCK)
            for (uint r = r0 + BLOCK; r < t.n; r++) {
                uint at = token_of(t, r), kk = AT_KK + at * Q + r0;
                COL y = OWN_AT(u, AT_DV + at * DV + col);
                FRAG_ROWS(gates, kk, BLOCK);
                FOR(s, BLOCK)
                    x[s] -= FRAG_ROW(gates, kk, s) * y;
            }
        FOR(i, BLOCK) {
            uint r = BLOCK - 1u - i, at = token_of(t, r0 + r), kk = AT_KK + at * Q + r0;
            COL y = GATE(gates, at).z * x[r];
            FRAG_ROWS(gates, kk, BLOCK);
            FOR(s, BLOCK)
                if (s < r)
                    x[s] -= FRAG_ROW(gates, kk, s) * y;
            if (r0 + r < t.n && own < DV) {
                PUT(u, AT_DU + at * DV + col, x[r]);
                PUT(u, AT_DV + at * DV + col, y);
            }
        }
    }
}
