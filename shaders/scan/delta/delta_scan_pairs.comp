#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/delta/delta_scan.h"
// Products of the tokens of a chunk, with their decay. One invocation a column.
#include "shaders/scan/delta/inc/delta_pairs.glsl"
