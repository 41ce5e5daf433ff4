#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/scan/recurrent/lstm.h"
#include "shaders/linear/linear.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// Gradient of w_h as a product for each stream: m = row of w_h, n = its column, k = token. The tokens are split
// over workgroups along z, each of which writes partial sums of its own; linear_reduce adds them.
layout(binding = 0) readonly  buffer Work { float work[]; };   // (R, S 5 D) = da, h before
layout(binding = 1) writeonly buffer Part { float part[]; };   // (splits, S, 4 D, D)
ROWS(2, Tok);
layout(constant_id = SPEC_LSTM_TILE_DIM) const uint D = 32u;
PUSH_ARGS(lstm_args);

#define TILE_A_ALONG_K false
#define TILE_B_ALONG_K false
#define TILE_M (4u * D)
#define TILE_N D
#define STREAM (gl_WorkGroupID.z % a.streams)

uvec2 tile_span()
{
    uint chunk = (Tok.n + a.splits - 1u) / a.splits, k0 = min(gl_WorkGroupID.z / a.streams * chunk, Tok.n);
    return uvec2(k0, min(k0 + chunk, Tok.n));
}

float tile_a(uint m, uint k)
{
    return work[(k * a.streams + STREAM) * 5u * D + m];
}

float tile_b(uint k, uint n)
{
    return work[((k * a.streams + STREAM) * 5u + 4u) * D + n];
}

void tile_store(uint m, uint n, float v)
{
    part[(gl_WorkGroupID.z * 4u * D + m) * D + n] = v;
}

#include "shaders/linear/inc/tile_shared.glsl"
