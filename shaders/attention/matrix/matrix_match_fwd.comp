#version 460
#extension GL_GOOGLE_include_directive : require
#include "shaders/attention/matrix/matrix_match.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
// A workgroup a row of a head's matrix: its entries, an invocation each, their distance from the teacher's.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer Q     { float q[]; };
layout(binding = 2) readonly  buffer K     { float k[]; };
layout(binding = 3) readonly  buffer Qkv   { float qkv[]; };   // (R, 3C) of the teacher
layout(binding = 4) readonly  buffer Lse   { float lse[]; };   // (R, H)
layout(binding = 5) readonly  buffer Cum   { vec2 cum[]; };    // (R, H dirs, width)
layout(binding = 6) readonly  buffer Step  { float step_[]; };
layout(binding = 7) writeonly buffer Stats { vec2 stats[]; };  // (R, H)
layout(binding = 8) writeonly buffer Sq    { float sq[]; };    // (R, H) of the squared distances
layout(binding = 9) writeonly buffer Map   { float map[]; };   // (images, H, tokens, tokens), if it is wanted
PUSH_ARGS(matrix_match_args);
#include "shaders/attention/matrix/inc/matrix_match.glsl"

void main()
{
    uint t = gl_LocalInvocationID.x, b = gl_WorkGroupID.z, h = gl_WorkGroupID.y, r0 = 0u, n = 0u;
    if (b < Tok.images) {
        r0 = ROWS_OFFSET(Tok, b);
        n = ROWS_OFFSET(Tok, b + 1u) - r0;
    }
    bool is_live = gl_WorkGroupID.x < n;
    uint row = r0 + gl_WorkGroupID.x, at = ((b * a.heads + h) * a.cap_tokens + gl_WorkGroupID.x) * a.cap_tokens;
    float norm = 1.0, all = 0.0, dist = 0.0, dot_m = 0.0;
    if (a.width == 0u && is_live) {
        for (uint j = t; j < n; j += WG)
            all += matrix_at(h, row, r0 + j);
        norm = max(wg_sum(all), MATRIX_MATCH_EPS);
    }
    for (uint j = t; j < n && is_live; j += WG) {
        float m = matrix_at(h, row, r0 + j) / norm, d = m - teacher_at(h, row, r0 + j);
        dist += d * d;
        dot_m += d * m;
        if (a.has_map != 0u)
            map[at + j] = m;
    }
    if (a.has_map != 0u)
        for (uint j = t; j < a.cap_tokens; j += WG)
            if (j >= n || !is_live)
                map[at + j] = 0.0;
    if (!is_live)
        return;
    dist = wg_sum(dist);
    dot_m = wg_sum(dot_m);
    if (t == 0u) {
        stats[row * a.heads + h] = vec2(norm, dot_m);
        sq[row * a.heads + h] = dist;
    }
}
