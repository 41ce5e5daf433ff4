#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
#define BACKWARD
#include "inc/delta_state.glsl"
