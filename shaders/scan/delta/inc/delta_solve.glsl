// delta_solve.glsl — (I + A) x = right side, by columns: W from beta exp(G) K and U from beta V. A lane holds its
// columns of BLOCK tokens, and reads those of earlier blocks where it has put them.
#include "shaders/scan/delta/inc/delta_form.glsl"
BUFFER_IN(1, k);                                               // (R, k_ld)
BUFFER_IN(2, v);                                               // (R, v_ld)
BUFFER_IN(3, gates);                                           // gates, and k . k at AT_KK
BUFFER_OWN(4, w);                                              // (R, streams, dk)
BUFFER_OWN(5, u);                                              // (R, streams, dv)
#define STEP 4u                    // tokens of earlier blocks at a time

void main()
{
    uint each = WG * COLS, kblocks = (DK + each - 1u) / each, blocks = kblocks + (DV + each - 1u) / each;
    uint block = gl_WorkGroupID.x % blocks;
    span t = span_get(gl_WorkGroupID.x / blocks);
    bool is_w = block < kblocks;
    uint cols = is_w ? DK : DV, own = ((is_w ? block : block - kblocks) * WG + LANE) * COLS;
    uint col = min(own, cols - COLS);
    for (uint r0 = 0u; r0 < t.n; r0 += BLOCK) {
        COL x[BLOCK];
        FOR(r, BLOCK) {
            uint row = row_of(t, r0 + r);
            if (is_w)
                x[r] = GATE(gates, token_of(t, r0 + r)).x * AT(k, row * a.k_ld + COLUMN(t, k) + col);
            else
                x[r] = AT(v, row * a.v_ld + COLUMN(t, v) + col);
        }
        if (Q > BLOCK)
            for (uint s = 0u; s < r0; s += STEP) {
                COL y[STEP];
                FOR(j, STEP) {
                    uint at = token_of(t, s + j);
                    if (is_w)
                        y[j] = OWN_AT(w, at * DK + col);
                    else
                        y[j] = OWN_AT(u, at * DV + col);
                }
                FOR(r, BLOCK) {
                    uint at = AT_KK + token_of(t, r0 + r) * Q + s;
                    FRAG_ROWS(gates, at, STEP);
                    FOR(j, STEP)
                        x[r] -= FRAG_ROW(gates, at, j) * y[j];
                }
            }
        FOR(r, BLOCK) {
            uint at = token_of(t, r0 + r), kk = AT_KK + at * Q + r0;
            FRAG_ROWS(gates, kk, BLOCK);
            FOR(s, BLOCK)
                if (s < r)
                    x[r] -= FRAG_ROW(gates, kk, s) * x[s];
            x[r] *= GATE(gates, at).z;
            if (r0 + r < t.n && own < cols) {
                if (is_w)
                    PUT(w, at * DK + col, x[r]);
                else
                    PUT(u, at * DV + col, x[r]);
            }
        }
    }
}
