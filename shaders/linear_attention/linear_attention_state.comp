#version 460
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "shaders/linear_attention/linear_attention.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
// One invocation sums a few features' rows of the state (or a block of their columns) over the image's
// tokens, or a chunk's, in order. Images and chunks that are not live get zeros. y = chunk.
ROWS(0, Tok);
layout(binding = 1) readonly  buffer A { float phi[]; };       // (R, H F)
layout(binding = 2) readonly  buffer B { float v[]; };         // (R, ld_b)
layout(binding = 3) writeonly buffer S { float state[]; };     // (images H, F, D + 4)
layout(constant_id = SPEC_LINEAR_ATTENTION_DIM) const uint D = 32u;
layout(constant_id = SPEC_LINEAR_ATTENTION_OWN) const uint OWN = 1u;
layout(constant_id = SPEC_LINEAR_ATTENTION_COLS) const uint COLS = 33u;
layout(constant_id = SPEC_LINEAR_ATTENTION_BLOCKS) const uint BLOCKS = 1u;
PUSH_ARGS(linear_attention_state_args);
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)

void main()
{
    uint b = gl_WorkGroupID.z, c0 = BLOCKS == 1u ? 0u : (gl_WorkGroupID.x % BLOCKS) * COLS;
    uint lane = (gl_WorkGroupID.x / BLOCKS) * WG + gl_LocalInvocationID.x;
    uint each = (a.features + OWN - 1u) / OWN, h = lane / each, f0 = lane % each * OWN;
    if (h >= a.heads)
        return;
    float acc[OWN * COLS];
    FOR(u, OWN * COLS)
        acc[u] = 0.0;
    uint r0 = 0u, end = 0u;
    if (b < Tok.images) {
        r0 = ROWS_OFFSET(Tok, b);
        end = ROWS_OFFSET(Tok, b + 1u);
        r0 = min(r0 + gl_WorkGroupID.y * a.rows, end);
        end = r0 + min(a.rows, end - r0);
    }
    for (uint row = r0; row < end; row++) {
        uint at = row * a.ld_b + a.col_b + h * a.head_b + c0;
        float p[OWN];
        FOR(u, OWN)
            p[u] = phi[(row * a.heads + h) * a.features + min(f0 + u, a.features - 1u)];
        FOR(c, COLS) {
            float y = 1.0;
            if (c0 + c < D || (c0 + c == D && a.head_b > D))
                y = v[at + c];
            FOR(u, OWN)
                acc[u * COLS + c] += p[u] * y;
        }
    }
    FOR(u, OWN)
        if (f0 + u < a.features) {
            uint at = (((b * a.chunks + gl_WorkGroupID.y) * a.heads + h) * a.features + f0 + u) * (D + 4u) + c0;
            FOR(c, COLS)
                if (c0 + c <= D)
                    state[at + c] = acc[u * COLS + c];
            if (c0 == 0u)
                FOR(c, 3u)
                    state[at + D + 1u + c] = 0.0;
        }
}
