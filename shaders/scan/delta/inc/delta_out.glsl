// delta_out.glsl — o = scale exp(G) S^T q + sum_{s <= r} P_rs U_s of a chunk.
#include "shaders/scan/delta/inc/delta_form.glsl"
BUFFER_IN(1, q);                                               // (R, q_ld)
BUFFER_IN(2, u);                                               // (R, streams, dv)
BUFFER_IN(3, gates);                                           // gates, and q . k at AT_QK
BUFFER_IN(4, states);                                          // (chunks streams, dk, dv)
BUFFER_OUT(5, o);                                              // (R, streams, dv)

void main()
{
    tile x = tile_get(DV);
    span t = span_get(x.chunk);
    if (x.row >= t.n)
        return;
    uint col = min(x.col, DV - COLS), end = min(t.n, x.row + ROWS_EACH);
    COL y[ROWS_EACH];
    FOR(r, ROWS_EACH)
        y[r] = COL(0.0);
#define QROW(r) (row_of(t, x.row + (r)) * a.q_ld + COLUMN(t, q))
#define SROW(i) (t.slot * DK * DV + (i) * DV + col)
    MULTIPLY(y, q, QROW, DK, states, SROW)
    FOR(r, ROWS_EACH)
        y[r] *= a.scale * GATE(gates, token_of(t, x.row + r)).x;
#define PROW(r) (AT_QK + token_of(t, x.row + (r)) * Q)
#define UROW(s) (token_of(t, s) * DV + col)
    MULTIPLY(y, gates, PROW, end, u, UROW)
    FOR(r, ROWS_EACH)
        if (x.row + r < t.n && x.col < DV)
            PUT(o, out_of(t, x.row + r) * DV + col, y[r]);
}
