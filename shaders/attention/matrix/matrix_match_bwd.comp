#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "shaders/attention/matrix/matrix_match.h"
#include "shaders/inc/kernel.glsl"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/reduce.glsl"
// A workgroup a row of a head: the gradients of 64 entries at a time, an invocation each, then what they add to the
// row's channels, an invocation every 64th of them. Own rows are queries, or keys.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer Q     { float q[]; };
layout(binding = 2) readonly  buffer K     { float k[]; };
layout(binding = 3) readonly  buffer Qkv   { float qkv[]; };   // (R, 3C) of the teacher
layout(binding = 4) readonly  buffer Lse   { float lse[]; };   // (R, H)
layout(binding = 5) readonly  buffer Cum   { vec2 cum[]; };    // (R, H dirs, width)
layout(binding = 6) readonly  buffer Step  { float step_[]; };
layout(binding = 7) readonly  buffer Stats { vec2 stats[]; };  // (R, H)
layout(binding = 8) readonly  buffer Norm  { float norm[]; };  // (images H)
layout(binding = 9) readonly  buffer DLoss { float dloss[]; }; // (1)
layout(binding = 10) writeonly buffer Part { float part[]; };  // (R, H dirs, dk) of q, or of k
layout(binding = 11)           buffer DCum { float dcum[]; };  // (R, H dirs, width): queries write, keys subtract
layout(binding = 12) writeonly buffer DStep { float dstep[]; };    // (R, H dirs), keys
layout(constant_id = SPEC_MATRIX_MATCH_KEYS) const uint KEYS = 0u;
PUSH_ARGS(matrix_match_args);
#include "shaders/attention/matrix/inc/matrix_match.glsl"
#define PER 4u                     // channels of an invocation
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)
shared float dm[MATRIX_MATCH_WG];

float entry_gradient(uint h, uint i, uint j, float scale)
{
    vec2 s = stats[i * a.heads + h];
    float d = matrix_at(h, i, j) / s.x - teacher_at(h, i, j);
    return a.width == 0u ? scale * (d - s.y) / s.x : scale * d / float(a.dirs);
}

// What `own` of direction dir gets, from others (acc) and from itself (same), and leaves for the decays and steps. No
// decay is between a token and itself.
void leave(uint row, uint h, uint dir, float acc[PER], float same[PER])
{
    uint t = gl_LocalInvocationID.x, s = row * a.heads * a.dirs + h * a.dirs + dir;
    float step_own = KEYS == 1u ? step_at(row, h, dir) : 1.0, sum = 0.0, all = 0.0;
    FOR(u, PER) {
        uint c = t + u * WG;
        if (c < a.dk) {
            float y = KEYS == 1u ? k_at(row, h, dir, c) : q_at(row, h, dir, c), x = y * acc[u];
            part[s * a.dk + c] = (acc[u] + same[u]) * step_own;
            sum += x;
            all += x + y * same[u];
            if (a.width > 1u)
                dcum[s * a.width + c] = KEYS == 1u ? dcum[s * a.width + c] - x * step_own : x;
        }
    }
    sum = wg_sum(sum);
    all = wg_sum(all);
    if (t == 0u) {
        if (a.width == 1u)
            dcum[s] = KEYS == 1u ? dcum[s] - sum * step_own : sum;
        if (KEYS == 1u && a.has_step != 0u)
            dstep[s] = all;
    }
}

void main()
{
    uint t = gl_LocalInvocationID.x, b = gl_WorkGroupID.z, h = gl_WorkGroupID.y;
    if (b >= Tok.images)
        return;
    uint r0 = ROWS_OFFSET(Tok, b), n = ROWS_OFFSET(Tok, b + 1u) - r0, own = r0 + gl_WorkGroupID.x;
    if (gl_WorkGroupID.x >= n)
        return;
    float f = norm[b * a.heads + h], scale = f > 0.0 ? dloss[0] / (f * float(Tok.images) * float(a.heads)) : 0.0;
    float acc[PER], same[PER], back_acc[PER], back_same[PER];  // of the two directions
    FOR(u, PER)
        acc[u] = same[u] = back_acc[u] = back_same[u] = 0.0;
    for (uint t0 = 0u; t0 < n; t0 += WG) {
        uint other = r0 + t0 + t;
        barrier();
        dm[t] = t0 + t < n ? entry_gradient(h, KEYS == 1u ? other : own, KEYS == 1u ? own : other, scale) : 0.0;
        barrier();
        for (uint e = 0u; e < min(WG, n - t0); e++) {
            uint i = KEYS == 1u ? r0 + t0 + e : own, j = KEYS == 1u ? own : r0 + t0 + e;
            for (uint dir = 0u; dir < a.dirs; dir++) {
                if (!has_entry(dir, i, j))
                    continue;
                float w = dm[e] * a.scale * (KEYS == 1u ? 1.0 : step_at(j, h, dir));
                if (a.width == 1u)
                    w *= decay_at(h, dir, 0u, i, j);
                FOR(u, PER) {
                    uint c = t + u * WG;
                    if (c < a.dk) {
                        float x = w * (KEYS == 1u ? q_at(i, h, dir, c) : k_at(j, h, dir, c));
                        if (a.width > 1u)
                            x *= decay_at(h, dir, c, i, j);
                        if (i == j) {
                            same[u] += dir == 0u ? x : 0.0;
                            back_same[u] += dir == 0u ? 0.0 : x;
                        } else {
                            acc[u] += dir == 0u ? x : 0.0;
                            back_acc[u] += dir == 0u ? 0.0 : x;
                        }
                    }
                }
            }
        }
    }
    leave(own, h, 0u, acc, same);
    if (a.dirs == 2u)
        leave(own, h, 1u, back_acc, back_same);
}
