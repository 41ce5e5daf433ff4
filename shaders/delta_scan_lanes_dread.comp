#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// Gradients that come through the states. Lanes form, four columns a lane.
#define LANES_FORM
#include "inc/delta_dread.glsl"
