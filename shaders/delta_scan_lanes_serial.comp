#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// Token after token. Lanes form, four columns a lane.
#define LANES_FORM
#include "inc/delta_serial.glsl"
