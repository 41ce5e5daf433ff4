#version 460
#extension GL_GOOGLE_include_directive : require
#include "inc/tile_dw.glsl"
#include "inc/tile_shared.glsl"
// Weight gradient with tiles in shared memory and registers, for GPUs.
