// delta_dpairs.glsl — gradients of the products of a chunk's tokens, with x_rs = dO_r . U_s and y_rs = -dR_r . U_s:
//   of q_r . k_s: scale exp(G_r - G_s) x_rs     of k_r . k_s: beta_r exp(G_r - G_s) y_rs
//   what they give dg: x_rs P_rs + y_rs A_rs     and dbeta: y_rs A_rs / beta_r
#include "shaders/scan/delta/inc/delta_form.glsl"
BUFFER_IN(1, dout);                                            // (R, streams, dv)
BUFFER_IN(2, u);                                               // U, and dR at AT_DU: (R, streams, dv)
BUFFER_IN(3, gates);                                           // gates, k . k and q . k
BUFFER_OUT(4, pairs);                                          // at AT_DQK, AT_DKK, AT_DECAY, AT_BETA

void main()
{
    tile x = tile_get(Q);
    span t = span_get(x.chunk);
    if (x.row >= t.n)
        return;
    uint s = min(x.col, Q - COLS);
    COL xo[ROWS_EACH], xr[ROWS_EACH], e = COL(0.0);
    FOR(r, ROWS_EACH)
        xo[r] = xr[r] = COL(0.0);
    if (x.col - LANE * COLS < x.row + ROWS_EACH) {
#define OROW(r) (out_of(t, x.row + (r)) * DV)
#define RROW(r) (AT_DU + token_of(t, x.row + (r)) * DV)
#define OWN(o) (token_of(t, s + (o)) * DV)
        MULTIPLY_ROWS(xo, xr, dout, OROW, u, RROW, DV, u, OWN)
    }
    for (uint r = 1u; r < x.row; r++)
        e += GATE(gates, token_of(t, r)).w * is_before(s, r);
    FOR(r, ROWS_EACH) {
        uint i = x.row + r, at = token_of(t, i);
        vec4 gate = GATE(gates, at);
        e += gate.w * is_before(s, i);
        if (i < t.n && x.col < Q) {
            COL y = -xr[r] * is_before(s, i), kk = AT(gates, AT_KK + at * Q + s), qk = AT(gates, AT_QK + at * Q + s);
            PUT(pairs, AT_DQK + at * Q + s, a.scale * xo[r] * exp(e) * is_before(s, i + 1u));
            PUT(pairs, AT_DKK + at * Q + s, gate.z * y * exp(e));
            PUT(pairs, AT_DECAY + at * Q + s, xo[r] * qk + gate.z * y * kk);
            PUT(pairs, AT_BETA + at * Q + s, y * kk);
        }
    }
}
