#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/loss/vocab/inc/vocab_rank.glsl"
// Ranks of the labels.
