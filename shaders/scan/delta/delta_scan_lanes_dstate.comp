#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
// The pass over the gradients of the states, backwards. Lanes form, four columns a lane.
#define LANES_FORM
#define BACKWARD
#include "shaders/scan/delta/inc/delta_state.glsl"
