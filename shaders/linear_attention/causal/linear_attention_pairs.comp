#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// Products of the rows of a chunk with each other: an invocation a row and a place in its chunk. y = head, z = image.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer A { float left[]; };      // (R, ld_a)
layout(binding = 2) readonly  buffer B { float right[]; };     // (R, ld_b)
layout(binding = 3) writeonly buffer P { float pair[]; };      // (R, H, CHUNK)
PUSH_ARGS(linear_attention_pairs_args);
#define CHUNK uint(LINEAR_ATTENTION_CHUNK)

void main()
{
    if (gl_WorkGroupID.z >= Tok.images)
        return;
    uint h = gl_WorkGroupID.y, first = ROWS_OFFSET(Tok, gl_WorkGroupID.z);
    uint n = ROWS_OFFSET(Tok, gl_WorkGroupID.z + 1u) - first, e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    uint r = e / CHUNK, s = r / CHUNK * CHUNK + e % CHUNK;
    if (r >= n)
        return;
    uint x = (first + r) * a.ld_a + a.col_a + h * a.head_a;
    uint y = (first + min(s, n - 1u)) * a.ld_b + a.col_b + h * a.head_b;
    float sum = 0.0;
    if (a.one != 0u)
        sum = a.one == 1u ? left[x + a.len] : right[y + a.len];
    for (uint i = 0u; i < a.len; i++)
        sum += left[x + i] * right[y + i];
    bool seen = a.later == 0u ? s <= r : s >= r && s < n;
    pair[((first + r) * a.heads + h) * CHUNK + e % CHUNK] = seen ? sum : 0.0;
}
