#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// A chunk's own part of the gradient of U. One invocation a column.
#include "inc/delta_local.glsl"
