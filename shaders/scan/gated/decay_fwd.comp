#version 460
#extension GL_GOOGLE_include_directive : require
// The gates of a recurrence, one an invocation.
#include "shaders/scan/gated/inc/decay_fwd.glsl"
