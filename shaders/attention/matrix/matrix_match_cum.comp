#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/matrix/matrix_match.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// Sums of the log decays up to each token, in the order of the stream, in two floats: an invocation a decay.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer G   { float g[]; };       // (R, ld)
layout(binding = 2) writeonly buffer Cum { vec2 cum[]; };      // (R, H dirs, width)
PUSH_ARGS(matrix_match_args);

void main()
{
    uint streams = a.heads * a.dirs, e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    uint s = e / a.width, c = e % a.width, b = gl_WorkGroupID.z;
    if (s >= streams || b >= Tok.images)
        return;
    uint r0 = ROWS_OFFSET(Tok, b), n = ROWS_OFFSET(Tok, b + 1u) - r0, dir = s % a.dirs;
    uint col = a.g.col0 + s / a.dirs * a.g.head + dir * a.g.dir_ + c;
    precise float hi = 0.0, lo = 0.0;
    for (uint t = 0u; t < n; t++) {
        uint row = r0 + (dir == 0u ? t : n - 1u - t);
        precise float x = g[row * a.g.ld + col], sum = hi + x, back = sum - hi;
        precise float err = (hi - (sum - back)) + (x - back);
        lo += err;
        hi = sum;
        cum[(row * streams + s) * a.width + c] = vec2(hi, lo);
    }
}
