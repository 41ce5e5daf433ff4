#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear/inc/tile_dw.glsl"
#include "shaders/linear/inc/tile_shared.glsl"
// Weight gradient with tiles in shared memory and registers, for GPUs.
// storage: f32 f16
