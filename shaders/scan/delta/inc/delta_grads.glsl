// delta_grads.glsl — dq and dk of a stream: what delta_dread left, and the products inside the chunk. In place of the
// parts of dq and of those through S.
#include "shaders/scan/delta/inc/delta_form.glsl"
BUFFER_IN(1, q);                                               // (R, q_ld)
BUFFER_IN(2, k);                                               // (R, k_ld)
BUFFER_IN(3, gates);                                           // gates, gradients of products at AT_DQK and AT_DKK
BUFFER_IN(4, parts_in);                                        // (R, streams, dk)
BUFFER_OUT(5, parts);                                          // the same memory

void main()
{
    tile x = tile_get(DK);
    span t = span_get(x.chunk);
    if (x.row >= t.n)
        return;
    uint col = min(x.col, DK - COLS), end = min(t.n, x.row + ROWS_EACH);
    COL dq[ROWS_EACH], dk[ROWS_EACH];
    FOR(r, ROWS_EACH) {
        uint at = token_of(t, x.row + r);
        dq[r] = AT(parts_in, at * DK + col);
        dk[r] = AT(parts_in, AT_DKH + at * DK + col) - GATE(gates, at).z * AT(parts_in, AT_DKS + at * DK + col);
    }
#define KROW(s) (row_of(t, s) * a.k_ld + COLUMN(t, k) + col)
#define QROW(s) (row_of(t, s) * a.q_ld + COLUMN(t, q) + col)
#define XROW(r) (AT_DQK + token_of(t, x.row + (r)) * Q)
#define YROW(r) (AT_DKK + token_of(t, x.row + (r)) * Q)
    MULTIPLY(dq, gates, XROW, end, k, KROW)
    MULTIPLY(dk, gates, YROW, end, k, KROW)
#define XCOL(r) (AT_DQK + token_of(t, r) * Q + x.row)
#define YCOL(r) (AT_DKK + token_of(t, r) * Q + x.row)
    MULTIPLY_TRANSPOSED(dk, gates, XCOL, x.row, t.n, q, QROW)
    MULTIPLY_TRANSPOSED(dk, gates, YCOL, x.row, t.n, k, KROW)
    FOR(r, ROWS_EACH) {
        uint at = token_of(t, x.row + r);
        if (x.row + r < t.n && x.col < DK) {
            PUT(parts, at * DK + col, dq[r]);
            PUT(parts, AT_DKS + at * DK + col, dk[r]);
        }
    }
}
