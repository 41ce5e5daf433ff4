#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// Token after token. One invocation a column.
#include "inc/delta_serial.glsl"
