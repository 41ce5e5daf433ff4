#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear/inc/tile_dx.glsl"
#include "shaders/linear/inc/tile_plain.glsl"
// Input gradient, plain form: no shared memory, the base line of the others.
// storage: f32 f16
