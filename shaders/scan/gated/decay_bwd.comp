#version 460
#extension GL_GOOGLE_include_directive : require
// Gradients of the gates of a recurrence, one an invocation.
#include "shaders/scan/gated/inc/decay_bwd.glsl"
