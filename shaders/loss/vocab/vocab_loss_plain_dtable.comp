#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/vocab/inc/vocab_dtable.glsl"
#include "shaders/linear/inc/tile_plain.glsl"
// Gradient of the table, plain form: no shared memory.
