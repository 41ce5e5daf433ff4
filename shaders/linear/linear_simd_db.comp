#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear/linear.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
// As linear_db, four columns an invocation.
layout(binding = 0) uniform samplerBuffer dpre;                // (R, N)
layout(binding = 1) writeonly buffer Part { vec4 part[]; };    // (splits, N)
ROWS(2, Tok);
PUSH_ARGS(linear_args);

void main()
{
    uint n = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, cols = a.out_cols / 4u;
    if (n >= cols)
        return;
    uint rows = a.rows != 0u ? a.rows : Tok.n, chunk = (rows + a.splits - 1u) / a.splits;
    uint r0 = min(gl_WorkGroupID.z * chunk, rows), r1 = min(r0 + chunk, rows);
    vec4 sum = vec4(0.0);
    for (uint r = r0; r < r1; r++)
        sum += texelFetch(dpre, int(r * cols + n));
    part[gl_WorkGroupID.z * cols + n] = sum;
}
