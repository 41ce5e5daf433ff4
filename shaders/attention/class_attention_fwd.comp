#version 460
#extension GL_GOOGLE_include_directive : require
// Attention of the class token, one channel at a time.
#include "shaders/attention/inc/class_attention.glsl"
