#version 460
#extension GL_GOOGLE_include_directive : require
#include "delta_scan.h"
#include "inc/delta_local.glsl"
