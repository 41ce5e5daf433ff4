#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/vocab/inc/vocab_dx.glsl"
#include "shaders/linear/inc/tile_plain.glsl"
// Gradient of x, plain form: no shared memory.
