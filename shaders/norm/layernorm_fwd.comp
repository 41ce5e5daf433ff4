#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/layernorm.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce_rows.glsl"
// LANES invocations a row; two passes, so no E[x^2] - E[x]^2 cancellation. The second one also finds
// what rounding left over in the mean, which matters when the mean is large beside the spread.
layout(binding = 0) readonly  buffer X     { float x[]; };      // (R, C)
layout(binding = 1) readonly  buffer Gamma { float gamma[]; };  // (C)
layout(binding = 2) readonly  buffer Beta  { float beta[]; };   // (C)
layout(binding = 3) writeonly buffer Y     { float y[]; };      // (R, C)
layout(binding = 4) writeonly buffer Mean  { float mean[]; };   // (R)
layout(binding = 5) writeonly buffer Rstd  { float rstd[]; };   // (R)
ROWS(6, Tok);
PUSH_ARGS(layernorm_args);
layout(constant_id = SPEC_LAYERNORM_ABSENT) const uint ABSENT = 0u;
#define GAMMA(i) ((ABSENT & LAYERNORM_NO_GAMMA) != 0u ? 1.0 : gamma[i])
#define BETA(i) ((ABSENT & LAYERNORM_NO_BETA) != 0u ? 0.0 : beta[i])

void norm_rows(uint tile, uint n)
{
    uint row = tile * GROUP_ROWS + GROUP_ROW, base = min(row, n - 1u) * COLS;
    float v[EACH], s = 0.0, left = 0.0;
    FOR_EACH(e) {
        v[e] = x[base + COL(e)];
        s += HAS_COL(e) ? v[e] : 0.0;
    }
    float m = row_sum(s) / float(COLS);
    s = 0.0;
    FOR_EACH(e) {
        v[e] -= m;
        left += HAS_COL(e) ? v[e] : 0.0;
        s += HAS_COL(e) ? v[e] * v[e] : 0.0;
    }
    left = row_sum(left) / float(COLS);
    float r = inversesqrt(max(row_sum(s) / float(COLS) - left * left, 0.0) + a.eps);
    FOR_EACH(e)
        v[e] = (v[e] - left) * r * GAMMA(COL(e)) + BETA(COL(e));
    if (row < n) {
        FOR_EACH(e)
            if (HAS_COL(e))
                y[base + COL(e)] = v[e];
        if (LANE == 0u) {
            mean[row] = m + left;
            rstd[row] = r;
        }
    }
}

void main()
{
    uint n = a.rows == 0u ? Tok.n : a.rows;
    FOR_TILES(n, norm_rows);
}
