#version 460
#extension GL_GOOGLE_include_directive : require
#include "inc/tile_dx.glsl"
#include "inc/tile_shared.glsl"
// Input gradient with tiles in shared memory and registers, for GPUs.
