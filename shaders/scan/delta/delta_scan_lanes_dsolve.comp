#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
// Gradients of v, and of the right side of the system of a chunk. Lanes form, four columns a lane.
#define LANES_FORM
#include "shaders/scan/delta/inc/delta_dsolve.glsl"
