#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/vocab/inc/vocab_logits.glsl"
#include "shaders/linear/inc/tile_shared.glsl"
// Logits of a chunk, tiles in shared memory and registers, for GPUs.
