#version 460
#extension GL_GOOGLE_include_directive : require
// Gradients of the gates of a recurrence, four an invocation.
#define QUADS
#include "shaders/scan/gated/inc/decay_bwd.glsl"
