// delta_local.glsl — the chunk's own part of dU: sum over r >= s of P_rs dO_r.
#include "shaders/scan/delta/inc/delta_form.glsl"
BUFFER_IN(1, dout);                                            // (R, streams, dv)
BUFFER_IN(2, gates);                                           // q . k at AT_QK
BUFFER_OUT(3, u);                                              // at AT_DU: (R, streams, dv)

void main()
{
    tile x = tile_get(DV);
    span t = span_get(x.chunk);
    if (x.row >= t.n)
        return;
    uint col = min(x.col, DV - COLS);
    COL y[ROWS_EACH];
    FOR(r, ROWS_EACH)
        y[r] = COL(0.0);
#define PROW(r) (AT_QK + token_of(t, r) * Q + x.row)
#define OROW(r) (out_of(t, r) * DV + col)
    MULTIPLY_TRANSPOSED(y, gates, PROW, x.row, t.n, dout, OROW)
    FOR(r, ROWS_EACH)
        if (x.row + r < t.n && x.col < DV)
            PUT(u, AT_DU + token_of(t, x.row + r) * DV + col, y[r]);
}
