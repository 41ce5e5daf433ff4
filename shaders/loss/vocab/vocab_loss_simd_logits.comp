#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include "shaders/loss/vocab/inc/vocab_simd_logits.glsl"
// Logits of a chunk, for software drivers.
