#version 460
#extension GL_GOOGLE_include_directive : require
// Rows by their source, one column at a time.
#include "shaders/tokens/inc/gather_rows_fwd.glsl"
