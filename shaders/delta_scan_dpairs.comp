#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// Gradients of the products of the tokens of a chunk. One invocation a column.
#include "inc/delta_dpairs.glsl"
