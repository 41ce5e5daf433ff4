// rms_norm.glsl — where a workgroup's group of columns lies, and the factor of column i of it, of a T (quads.glsl).
// Groups lie along y; with QUADS columns are counted in vec4.
layout(constant_id = SPEC_RMS_NORM_NO_WEIGHT) const uint NO_WEIGHT = 0u;
#define GROUP gl_WorkGroupID.y
#define BASE(row) ((row) * (a.ld / T_LEN) + a.col0 / T_LEN + GROUP * COLS)
#define FACTOR(i) (NO_WEIGHT != 0u ? T(1.0) : T(a.offset) + LOAD(w, i))
