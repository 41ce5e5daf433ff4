#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/launches.glsl"
// Turns the live row count into indirect launch sizes, one invocation a launch.
ROWS(0, Tok);
LAUNCHES(1);
COMMANDS(2);
PUSH_ARGS(rows_plan_args);

void main()
{
    uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (i < a.n_launches)
        PLAN_LAUNCH(i, Tok.n, a.max_x)
}
