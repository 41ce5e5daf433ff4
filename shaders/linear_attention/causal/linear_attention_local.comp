#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// What the rows of a chunk give each other: an invocation a row and column, with `store` one more, of the sum of P.
// y = head, z = image.
ROWS(0, Tok);
layout(binding = 1) readonly buffer P { float pair[]; };       // (R, H, CHUNK)
layout(binding = 2) readonly buffer X { float other[]; };      // (R, ld_x)
layout(binding = 3)          buffer Y { float result[]; };     // (R, ld_y)
PUSH_ARGS(linear_attention_local_args);
#define CHUNK uint(LINEAR_ATTENTION_CHUNK)

void main()
{
    if (gl_WorkGroupID.z >= Tok.images)
        return;
    uint h = gl_WorkGroupID.y, first = ROWS_OFFSET(Tok, gl_WorkGroupID.z), columns = a.width + a.store;
    uint n = ROWS_OFFSET(Tok, gl_WorkGroupID.z + 1u) - first;
    for (uint e = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x; e < n * columns; e += gl_NumWorkGroups.x * WG) {
        uint r = e / columns, c = e % columns, r0 = r / CHUNK * CHUNK;
        uint at = (first + r) * a.ld_y + a.col_y + h * a.head_y + c;
        float sum = 0.0;
        for (uint k = 0u; k < CHUNK; k++) {    // as many rounds for every invocation
            float p = pair[((first + r) * a.heads + h) * CHUNK + k], x = 1.0;
            if (c < a.width)
                x = other[(first + min(r0 + k, n - 1u)) * a.ld_x + a.col_x + h * a.head_x + c];
            sum += p * x;
        }
        result[at] = a.store == 1u ? sum : result[at] + sum;
    }
}
