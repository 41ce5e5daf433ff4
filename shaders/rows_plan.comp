#version 460
#extension GL_GOOGLE_include_directive : require
#include "inc/rows.glsl"
#include "inc/kernel.glsl"
// Turns the live row count into indirect launch sizes, one invocation a launch.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer Launches { uint launch[]; };   // (n_launches, 3) tile_rows, y, z
layout(binding = 2) writeonly buffer Commands { uint command[]; };  // (n_launches, 3) x, y, z
PUSH_ARGS(rows_plan_args);

void main()
{
    uint i = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (i >= a.n_launches)
        return;
    uint tile = launch[3u * i];
    command[3u * i] = min((Tok.n + tile - 1u) / tile, a.max_x);
    command[3u * i + 1u] = launch[3u * i + 1u];
    command[3u * i + 2u] = launch[3u * i + 2u];
}
