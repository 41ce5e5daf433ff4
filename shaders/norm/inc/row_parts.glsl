// row_parts.glsl — sums of a row that is read four columns at a time, in the order in which PARTS lanes of one column
// at a time add them up (inc/reduce_rows.glsl): both forms of a kernel then give the same bits.
layout(constant_id = SPEC_PARTS) const uint PARTS = 1u;      // 1, 2 or 4

// Part i of `sums` holds columns i, i + PARTS ...; the others stay 0.
vec4 add_columns(vec4 sums, vec4 v)
{
    if (PARTS == 4u)
        return sums + v;
    if (PARTS == 2u)
        return vec4(sums.xy + v.xy + v.zw, 0.0, 0.0);
    return vec4(sums.x + v.x + v.y + v.z + v.w, 0.0, 0.0, 0.0);
}

float add_parts(vec4 sums)
{
    if (PARTS == 4u)
        return (sums.x + sums.z) + (sums.y + sums.w);
    return PARTS == 2u ? sums.x + sums.y : sums.x;
}

// Loops over the vec4 of a row are not unrolled: that is as fast, and drivers compile it in a tenth of the time.
#define FOR_QUADS(q) [[dont_unroll]] for (uint q = 0u; q < COLS; q++)
