#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// A chunk's own part of the gradient of U. Lanes form, four columns a lane.
#define LANES_FORM
#include "inc/delta_local.glsl"
