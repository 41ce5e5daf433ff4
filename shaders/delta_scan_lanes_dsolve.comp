#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
#define LANES_FORM
#include "inc/delta_dsolve.glsl"
