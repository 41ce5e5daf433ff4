#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/vocab/inc/vocab_dtable.glsl"
#include "shaders/linear/inc/tile_shared.glsl"
// Gradient of the table, tiles in shared memory and registers, for GPUs.
