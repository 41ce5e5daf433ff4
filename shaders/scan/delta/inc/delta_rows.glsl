// delta_rows.glsl — a lane is a token: sums of its row that dg and dbeta need, and the running sums of its products.
//   sums: 0: products that begin before the chunk and end at r     1: those that begin at r and end after the chunk
#include "shaders/scan/delta/inc/delta_form.glsl"
BUFFER_IN(1, q);                                               // (R, q_ld)
BUFFER_IN(2, k);                                               // (R, k_ld)
BUFFER_IN(3, v);                                               // (R, v_ld)
BUFFER_IN(4, u);                                               // dR at AT_DU: (R, streams, dv)
BUFFER_IN(5, parts);                                           // (R, streams, dk), as delta_dread leaves them
layout(binding = 6) readonly buffer States { float states[]; };    // rows of S . dH at AT_PART
layout(binding = 7) buffer Gates { float gates[]; };           // all of it

#ifdef SIMD_FORM
#define DOT(X, I, Y, J) dot(AT(X, I), AT(Y, J))
#else
#define DOT(X, I, Y, J) (X[I] * Y[J])
#endif

void main()
{
    uint blocks = (Q + WG - 1u) / WG, r = gl_WorkGroupID.x % blocks * WG + LANE;
    span t = span_get(gl_WorkGroupID.x / blocks);
    if (r >= t.n)
        return;
    uint row = row_of(t, r), at = token_of(t, r);
    uint qat = row * a.q_ld + COLUMN(t, q), kat = row * a.k_ld + COLUMN(t, k), vat = row * a.v_ld + COLUMN(t, v);
    float read = 0.0, erased = 0.0, left = 0.0, dbeta = 0.0, sum = 0.0;
    for (uint i = 0u; i < DK; i += COLS) {
        read += DOT(q, qat + i, parts, at * DK + i);
        erased += DOT(k, kat + i, parts, AT_DKS + at * DK + i);
        left += DOT(k, kat + i, parts, AT_DKH + at * DK + i);
    }
    for (uint j = 0u; j < DV; j += COLS)
        dbeta += DOT(v, vat + j, u, AT_DU + at * DV + j);
    dbeta -= erased;
    for (uint s = 0u; s < r; s++)
        dbeta += gates[AT_BETA + at * Q + s];
    for (uint s = 0u; s <= r; s++) {               // from here on, the sum of those before s
        float x = gates[AT_DECAY + at * Q + s];
        gates[AT_DECAY + at * Q + s] = sum;
        sum += x;
    }
    float through = 0.0;
    if (r == t.n - 1u)                             // what crosses the whole chunk ends at its last token
        for (uint i = 0u; i < DK; i++)
            through += states[AT_PART + t.slot * DK + i];
    gates[AT_SUMS + 4u * at] = read - gates[4u * at + 2u] * erased + gates[4u * at] * through;
    gates[AT_SUMS + 4u * at + 1u] = left;
    gates[AT_DBETA + at] = dbeta;
}
