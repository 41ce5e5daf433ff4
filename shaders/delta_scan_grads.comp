#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
// Gradients of q and k of a stream. One invocation a column.
#include "inc/delta_grads.glsl"
