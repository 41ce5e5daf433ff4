#version 460
#extension GL_GOOGLE_include_directive : require
// The gates of a recurrence, four an invocation.
#define QUADS
#include "shaders/scan/gated/inc/decay_fwd.glsl"
