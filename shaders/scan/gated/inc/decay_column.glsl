// decay_column.glsl — an invocation owns one column of the gates and walks down some rows.
//
// Include after ROWS(0, Tok) and PUSH_ARGS(decay_args). Columns are counted in T, see quads.glsl.
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"
layout(constant_id = SPEC_DECAY_KIND) const uint KIND = DECAY_LOGSIGMOID;
READ(1, x);                                                    // (R, ld)
layout(binding = 2) readonly buffer B { T bias[]; };           // (N) or absent, N = heads dirs width
layout(binding = 3) readonly buffer A { T a_log[]; };          // (N), kind step
#define WIDTH (a.width / T_LEN)
#define GATES (a.heads * a.dirs * WIDTH)                       // N
#define LD    (a.ld / T_LEN)
#define OUT   (KIND == DECAY_STEP ? 2u * GATES : GATES)        // columns of the result

// Column of x that gate n comes from.
uint column_of(uint n)
{
    uint s = n / WIDTH;
    return (a.col0 + s / a.dirs * a.head + s % a.dirs * a.dir_stride) / T_LEN + n % WIDTH;
}

T bias_of(uint n)
{
    T v = T(0.0);
    if (a.has_bias != 0u)
        v = bias[n];
    return v;
}

// -exp(a_log), the rate at which kind step decays.
T rate_of(uint n)
{
    T v = T(0.0);
    if (KIND == DECAY_STEP)
        v = -exp(a_log[n]);
    return v;
}
