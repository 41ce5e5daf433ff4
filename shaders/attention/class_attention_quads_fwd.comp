#version 460
#extension GL_GOOGLE_include_directive : require
// Attention of the class token, four channels at a time.
#define QUADS
#include "shaders/attention/inc/class_attention.glsl"
