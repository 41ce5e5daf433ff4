#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
// Gradients of the products of the tokens of a chunk. One invocation a column.
#include "shaders/scan/delta/inc/delta_dpairs.glsl"
