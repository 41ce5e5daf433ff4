#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// The pass over the gradients of the states, backwards. Lanes form, four columns a lane.
#define LANES_FORM
#define BACKWARD
#include "inc/delta_state.glsl"
