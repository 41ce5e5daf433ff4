#version 460
#extension GL_GOOGLE_include_directive : require
#include "inc/tile_fwd.glsl"
#include "inc/tile_plain.glsl"
// Matrix multiply, plain form: no shared memory, the base line of the others.
