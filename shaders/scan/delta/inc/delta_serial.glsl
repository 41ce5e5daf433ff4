// delta_serial.glsl — the definition, token after token: the oracle of the chunked form. A lane holds its columns of
// the state.
#include "shaders/scan/delta/inc/delta_form.glsl"
BUFFER_IN(1, q);                                               // (R, q_ld)
BUFFER_IN(2, k);                                               // (R, k_ld)
BUFFER_IN(3, v);                                               // (R, v_ld)
BUFFER_IN(4, gates);                                           // (R, streams, 4)
BUFFER_IN(5, start);                                           // (cap_images streams, dk, dv)
BUFFER_OUT(6, o);                                              // (R, streams, dv)
BUFFER_OUT(7, last);                                           // (cap_images streams, dk, dv)

void main()
{
    uint own = (gl_WorkGroupID.x * WG + LANE) * COLS, col = min(own, DV - COLS), b = gl_WorkGroupID.z;
    uint s = a.stream0 + gl_WorkGroupID.y, first = 0u, n = 0u, carried = (b * a.heads * a.dirs + s) * DK * DV + col;
    uint h = s / a.dirs, dir = s % a.dirs;
    uint qcol = a.q_col0 + h * a.q_head + dir * a.q_dir, kcol = a.k_col0 + h * a.k_head + dir * a.k_dir;
    uint vcol = a.v_col0 + h * a.v_head + dir * a.v_dir + col;
    COL S[DK];
    FOR(i, DK)
        S[i] = COL(0.0);
    if (a.has_start != 0u)
        FOR(i, DK)
            S[i] = AT(start, carried + i * DV);
    if (b < Tok.images) {
        first = ROWS_OFFSET(Tok, b);
        n = ROWS_OFFSET(Tok, b + 1u) - first;
    }
    for (uint t = 0u; t < n; t++) {
        uint row = first + (dir == 0u ? t : n - 1u - t), at = row * a.heads * a.dirs + s;
        vec4 gate = GATE(gates, row * a.streams + gl_WorkGroupID.y);
        float decay = exp(gate.w);
        COL x = COL(0.0), y = COL(0.0);
        FOR(i0, (DK + KB - 1u) / KB) {
            FRAG f = FRAG_AT(k, row * a.k_ld + kcol, i0 * KB, DK);
            FOR(i, KB)
                if (i0 * KB + i < DK)
                    x += SHARED(f, i) * S[i0 * KB + i];
        }
        x = gate.z * (AT(v, row * a.v_ld + vcol) - decay * x);
        FOR(i0, (DK + KB - 1u) / KB) {
            FRAG f = FRAG_AT(k, row * a.k_ld + kcol, i0 * KB, DK), e = FRAG_AT(q, row * a.q_ld + qcol, i0 * KB, DK);
            FOR(i, KB)
                if (i0 * KB + i < DK) {
                    S[i0 * KB + i] = decay * S[i0 * KB + i] + SHARED(f, i) * x;
                    y += SHARED(e, i) * S[i0 * KB + i];
                }
        }
        if (own < DV)
            PUT(o, at * DV + col, a.scale * y);
    }
    if (a.carry != 0u && own < DV)
        FOR(i, DK)
            PUT(last, carried + i * DV, S[i]);
}
