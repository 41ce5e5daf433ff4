// delta_pairs.glsl — k_r . k_s (s < r) and scale q_r . k_s (s <= r) of a chunk, each times exp(G_r - G_s); else 0.
// The exponent is summed between s and r and never subtracted, so it is exact for any decay.
#include "shaders/scan/delta/inc/delta_form.glsl"
BUFFER_IN(1, q);                                               // (R, q_ld)
BUFFER_IN(2, k);                                               // (R, k_ld)
BUFFER_IN(3, gates);                                           // (R, streams, 4)
BUFFER_OUT(4, pairs);                                          // at AT_KK and AT_QK: (R, streams, Q)

void main()
{
    tile x = tile_get(Q);
    span t = span_get(x.chunk);
    if (x.row >= t.n)
        return;
    uint kcol = COLUMN(t, k), qcol = COLUMN(t, q), s = min(x.col, Q - COLS);
    COL kk[ROWS_EACH], qk[ROWS_EACH], e = COL(0.0);
    FOR(r, ROWS_EACH)
        kk[r] = qk[r] = COL(0.0);
    if (x.col - LANE * COLS < x.row + ROWS_EACH) {
#define KROW(r) (row_of(t, x.row + (r)) * a.k_ld + kcol)
#define QROW(r) (row_of(t, x.row + (r)) * a.q_ld + qcol)
#define OWN(o) (row_of(t, s + (o)) * a.k_ld + kcol)
        MULTIPLY_ROWS(kk, qk, k, KROW, q, QROW, DK, k, OWN)
    }
    for (uint r = 1u; r < x.row; r++)
        e += GATE(gates, token_of(t, r)).w * is_before(s, r);
    FOR(r, ROWS_EACH) {
        uint i = x.row + r, at = token_of(t, i);
        e += GATE(gates, at).w * is_before(s, i);
        if (i < t.n && x.col < Q) {
            PUT(pairs, AT_KK + at * Q + s, kk[r] * exp(e) * is_before(s, i));
            PUT(pairs, AT_QK + at * Q + s, a.scale * qk[r] * exp(e) * is_before(s, i + 1u));
        }
    }
}
