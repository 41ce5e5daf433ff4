#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear/inc/tile_fwd.glsl"
#include "shaders/linear/inc/tile_plain.glsl"
// Matrix multiply, plain form: no shared memory, the base line of the others.
// storage: f32 f16
