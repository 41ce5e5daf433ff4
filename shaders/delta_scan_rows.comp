#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// Sums of a token that the gradients of g and beta need. One invocation a token.
#include "inc/delta_rows.glsl"
