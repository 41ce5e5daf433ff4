// delta_state.glsl — the serial pass over an image's chunks; a lane holds its columns of the state.
//   forward: U = U - W S     S' = exp(G_last) S + sum_s exp(G_last - G_s) k_s U_s^T
//   BACKWARD, from the last chunk to the first, S standing for dH:
//   dU = dU + exp(G_last - G) K S     S' = exp(G_last) S + scale (exp(G) Q)^T dO - W^T dU
#include "shaders/scan/delta/inc/delta_form.glsl"
BUFFER_IN(1, k);                                               // (R, k_ld)
BUFFER_IN(2, w);                                               // (R, streams, dk)
BUFFER_IN(3, gates);                                           // (R, streams, 4)
BUFFER_IN(4, u_in);                                            // (R, streams, dv)
BUFFER_OUT(5, u);                                              // the same memory
BUFFER_OUT(6, states);                                         // S before each chunk, in the order of the pass
#ifdef BACKWARD
BUFFER_IN(7, q);                                               // (R, q_ld)
BUFFER_IN(8, dout);                                            // (R, streams, dv)
#define U_FROM AT_DU
#define STATE_FROM AT_DH
#else
BUFFER_IN(7, start);                                           // (cap_images streams, dk, dv)
BUFFER_OUT(8, last);                                           // (cap_images streams, dk, dv)
#define U_FROM 0u
#define STATE_FROM 0u
#endif
#define STEP 2u                    // tokens at a time: what is read of the state serves them all

void main()
{
    uint own = (gl_WorkGroupID.x * WG + LANE) * COLS, col = min(own, DV - COLS), b = gl_WorkGroupID.z;
    uint s = a.stream0 + gl_WorkGroupID.y, n = 0u, carried = (b * a.heads * a.dirs + s) * DK * DV + col;
    COL S[DK], next[DK];
    FOR(i, DK)
        S[i] = COL(0.0);
#ifndef BACKWARD
    if (a.has_start != 0u)
        FOR(i, DK)
            S[i] = AT(start, carried + i * DV);
#endif
    if (b < Tok.images)
        n = (ROWS_OFFSET(Tok, b + 1u) - ROWS_OFFSET(Tok, b) + Q - 1u) / Q;
    for (uint c = 0u; c < n; c++) {
#ifdef BACKWARD
        span t = span_get(s % a.dirs == 1u ? c : n - 1u - c);
#else
        span t = span_get(s % a.dirs == 0u ? c : n - 1u - c);
#endif
        float decay = GATE(gates, token_of(t, t.n - 1u)).x;
        FOR(i, DK) {
            if (own < DV)
                PUT(states, STATE_FROM + t.slot * DK * DV + i * DV + col, S[i]);
            next[i] = decay * S[i];
        }
        for (uint r = 0u; r < t.n; r += STEP) {
            COL x[STEP], y[STEP];
            vec4 gate[STEP];
            uint at[STEP];
            FOR(j, STEP) {
                at[j] = token_of(t, r + j);
                gate[j] = GATE(gates, at[j]);
                x[j] = COL(0.0);
            }
#define KROW(j) (row_of(t, r + (j)) * a.k_ld + COLUMN(t, k))
#define QROW(j) (row_of(t, r + (j)) * a.q_ld + COLUMN(t, q))
#ifdef BACKWARD
#define READ_BY(F, I) FRAG_AT(k, KROW(F), I, DK)
#define WRITE_BY(F, I) FRAG_AT(w, at[F] * DK, I, DK)
#else
#define READ_BY(F, I) FRAG_AT(w, at[F] * DK, I, DK)
#define WRITE_BY(F, I) FRAG_AT(k, KROW(F), I, DK)
#endif
            FOR(i0, (DK + KB - 1u) / KB) {
                FRAG f[STEP];
                FOR(j, STEP)
                    f[j] = READ_BY(j, i0 * KB);
                FOR(i, KB)
                    if (i0 * KB + i < DK)
                        FOR(j, STEP)
                            x[j] += SHARED(f[j], i) * S[i0 * KB + i];
            }
            FOR(j, STEP) {
                COL old = AT(u_in, U_FROM + at[j] * DV + col);
#ifdef BACKWARD
                x[j] = old + gate[j].y * x[j];
                y[j] = a.scale * gate[j].x * AT(dout, out_of(t, r + j) * DV + col);
#else
                x[j] = old - x[j];
#endif
                if (r + j < t.n && own < DV)
                    PUT(u, U_FROM + at[j] * DV + col, x[j]);
#ifdef BACKWARD
                x[j] = -x[j];
                if (r + j >= t.n)
                    x[j] = y[j] = COL(0.0);
#else
                x[j] = r + j < t.n ? gate[j].y * x[j] : COL(0.0);
#endif
            }
            FOR(i0, (DK + KB - 1u) / KB) {
                FRAG f[STEP];
                FOR(j, STEP)
                    f[j] = WRITE_BY(j, i0 * KB);
                FOR(i, KB)
                    if (i0 * KB + i < DK)
                        FOR(j, STEP)
                            next[i0 * KB + i] += SHARED(f[j], i) * x[j];
#ifdef BACKWARD
                FOR(j, STEP)
                    f[j] = FRAG_AT(q, QROW(j), i0 * KB, DK);
                FOR(i, KB)
                    if (i0 * KB + i < DK)
                        FOR(j, STEP)
                            next[i0 * KB + i] += SHARED(f[j], i) * y[j];
#endif
            }
        }
        FOR(i, DK)
            S[i] = next[i];
    }
#ifndef BACKWARD
    if (a.carry != 0u && own < DV)
        FOR(i, DK)
            PUT(last, carried + i * DV, S[i]);
#endif
}
