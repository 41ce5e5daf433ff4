#version 460
#extension GL_GOOGLE_include_directive : require
// A sum, four columns at a time.
#define QUADS
#include "shaders/elementwise/inc/add_fwd.glsl"
