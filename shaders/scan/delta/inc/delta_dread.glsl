// delta_dread.glsl — what reaches q and k through the states before and after the chunk:
//   scale exp(G) S dO     exp(G) S dR     exp(G_last - G) dH U     and the rows of S . dH
#include "shaders/scan/delta/inc/delta_form.glsl"
BUFFER_IN(1, dout);                                            // (R, streams, dv)
BUFFER_IN(2, u);                                               // U, and dR at AT_DU: (R, streams, dv)
BUFFER_IN(3, gates);                                           // (R, streams, 4)
BUFFER_IN(4, states);                                          // S, and dH at AT_DH
BUFFER_OUT(5, parts);                                          // at 0, AT_DKS, AT_DKH: (R, streams, dk)
BUFFER_OUT(6, dots);                                           // at AT_PART: (chunks streams, dk)

void main()
{
    tile x = tile_get(DK);
    span t = span_get(x.chunk);
    if (x.row >= t.n)
        return;
    uint col = min(x.col, DK - COLS);
    COL yo[ROWS_EACH], yr[ROWS_EACH], yu[ROWS_EACH], same[ROWS_EACH];
    FOR(r, ROWS_EACH)
        yo[r] = yr[r] = yu[r] = same[r] = COL(0.0);
#define OROW(r) (out_of(t, x.row + (r)) * DV)
#define UROW(r) (token_of(t, x.row + (r)) * DV)
#define RROW(r) (AT_DU + token_of(t, x.row + (r)) * DV)
#define SROW(i) (t.slot * DK * DV + (col + (i)) * DV)
    MULTIPLY_ROWS(yo, yr, dout, OROW, u, RROW, DV, states, SROW)
#define HROW(i) (AT_DH + SROW(i))
    MULTIPLY_ROW(yu, u, UROW, DV, states, HROW)
    FOR(r, ROWS_EACH) {
        uint at = token_of(t, x.row + r);
        vec4 gate = GATE(gates, at);
        if (x.row + r < t.n && x.col < DK) {
            PUT(parts, at * DK + col, a.scale * gate.x * yo[r]);
            PUT(parts, AT_DKS + at * DK + col, gate.x * yr[r]);
            PUT(parts, AT_DKH + at * DK + col, gate.y * yu[r]);
        }
    }
    if (x.row == 0u && x.col < DK) {
        COL sum = COL(0.0);
        for (uint j = 0u; j < DV; j += COLS)
            SUM_ROWS(sum, states, SROW, HROW, j)
        PUT(dots, AT_PART + t.slot * DK + col, sum);
    }
}
