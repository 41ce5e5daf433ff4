#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
// Gradients of q and k of a stream. One invocation a column.
#include "shaders/scan/delta/inc/delta_grads.glsl"
