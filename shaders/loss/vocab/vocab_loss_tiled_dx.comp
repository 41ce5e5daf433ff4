#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/vocab/inc/vocab_dx.glsl"
#include "shaders/linear/inc/tile_shared.glsl"
// Gradient of x, tiles in shared memory and registers, for GPUs.
