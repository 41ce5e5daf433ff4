#version 460
#extension GL_GOOGLE_include_directive : require
#define QUADS
#include "shaders/loss/vocab/inc/vocab_rank.glsl"
// Ranks of the labels, four columns at a time, read as texels.
