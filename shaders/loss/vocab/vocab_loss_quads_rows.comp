#version 460
#extension GL_GOOGLE_include_directive : require
#define QUADS
#include "shaders/loss/vocab/inc/vocab_rows_state.glsl"
// Statistics of the rows of a chunk, four columns at a time, read as texels.
