#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/vocab/inc/vocab_logits.glsl"
#include "shaders/linear/inc/tile_plain.glsl"
// Logits of a chunk, plain form: no shared memory.
