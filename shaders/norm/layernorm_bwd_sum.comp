#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/norm/layernorm.h"
#include "shaders/inc/kernel.glsl"
// Adds up the blocks in order, one invocation a column.
layout(binding = 0) readonly buffer Partial { float partial[]; };   // (blocks, 2, C)
layout(binding = 1)          buffer DGamma  { float dgamma[]; };    // (C) +=
layout(binding = 2)          buffer DBeta   { float dbeta[]; };     // (C) +=
PUSH_ARGS(layernorm_args);
layout(constant_id = SPEC_LAYERNORM_ABSENT) const uint ABSENT = 0u;

void main()
{
    uint j = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (j >= a.cols)
        return;
    float dg = 0.0, db = 0.0;
    for (uint b = 0u; b < a.blocks; b++) {
        dg += partial[2u * b * a.cols + j];
        db += partial[(2u * b + 1u) * a.cols + j];
    }
    if ((ABSENT & LAYERNORM_NO_GAMMA) == 0u)
        dgamma[j] += dg;
    if ((ABSENT & LAYERNORM_NO_BETA) == 0u)
        dbeta[j] += db;
}
