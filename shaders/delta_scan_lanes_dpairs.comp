#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// Gradients of the products of the tokens of a chunk. Lanes form, four columns a lane.
#define LANES_FORM
#include "inc/delta_dpairs.glsl"
