#version 460
#extension GL_GOOGLE_include_directive : require
// Gradient of rows by their source, one column at a time.
#include "shaders/tokens/inc/gather_rows_bwd.glsl"
