#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
// Sums of a token that the gradients of g and beta need. One invocation a token.
#include "shaders/scan/delta/inc/delta_rows.glsl"
