#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear/inc/tile_fwd.glsl"
#include "shaders/linear/inc/tile_shared.glsl"
// Matrix multiply with tiles in shared memory and registers, for GPUs.
// storage: f32 f16
