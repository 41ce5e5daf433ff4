#version 460
#extension GL_GOOGLE_include_directive : require
// Rows by their source, four columns at a time.
#define QUADS
#include "shaders/tokens/inc/gather_rows_fwd.glsl"
