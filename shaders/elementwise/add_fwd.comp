#version 460
#extension GL_GOOGLE_include_directive : require
// A sum, a number at a time.
#include "shaders/elementwise/inc/add_fwd.glsl"
