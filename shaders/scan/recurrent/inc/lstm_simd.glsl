// lstm_simd.glsl — shared by the SIMD form of the LSTM, for CPUs that run a subgroup as one SIMD vector. A
// workgroup is one subgroup and takes one stream of one image; a lane owns units 4 (q SIMD + lane) .. + 3 of
// each block q. Vectors are handed round by shuffles: no barrier. Weights are held in registers, or on the stack, which
// a compiler reads as fast; where they are too many to compile, they are fetched for every token.
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_control_flow_attributes : require
layout(constant_id = SPEC_LSTM_DIM) const uint D = 32u;
layout(constant_id = SPEC_LSTM_SIMD) const uint SIMD = 4u;
layout(constant_id = SPEC_LSTM_HELD) const uint HELD = 0u;
layout(constant_id = SPEC_LSTM_AT_ONCE) const uint AT_ONCE = 1u;
const uint W = D / 4u;             // vec4 of the hidden units
const uint BLOCKS = (W + SIMD - 1u) / SIMD;

#define CELL vec4
#include "shaders/scan/recurrent/inc/lstm_cell.glsl"
#define LANE gl_SubgroupInvocationID
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)
#define HAS_OWN(q) ((q) * SIMD + LANE < W)
#define OWN(q)     min((q) * SIMD + LANE, W - 1u)

// Declares `held` and fills it: FETCH is an expression in q, k (vec4 of the other side), g and u.
#define HOLD_WEIGHTS(FETCH)                                     \
    vec4 held[HELD == 1u ? BLOCKS : 1u][W][4][4];               \
    if (HELD == 1u)                                             \
        FOR(q, BLOCKS)                                          \
            FOR(k, W)                                           \
                FOR(g, 4u)                                      \
                    FOR(u, 4u)                                  \
                        held[q][k][g][u] = FETCH;

// For every k: TAKE(block, lane) gets what the lane that owns it has, then ADD(weights) for all q, g and u.
#define FOR_WEIGHTS(TAKE, ADD, FETCH)                                           \
    if (HELD == 1u) {                                                           \
        FOR(k, W) {                                                             \
            TAKE(k / SIMD, k % SIMD)                                            \
            FOR(q, BLOCKS) FOR(g, 4u) FOR(u, 4u)                                \
                ADD(held[q][k][g][u])                                           \
        }                                                                       \
    } else {                                                                    \
        FOR(p, BLOCKS)                                                          \
            for (uint j0 = 0u; j0 < min(SIMD, W - p * SIMD); j0 += AT_ONCE)     \
                FOR(e, AT_ONCE) {                                               \
                    uint j = j0 + e, k = p * SIMD + j;                          \
                    if (j < SIMD && k < W) {                                    \
                        TAKE(p, j)                                              \
                        FOR(q, BLOCKS) FOR(g, 4u) FOR(u, 4u)                    \
                            ADD(FETCH)                                          \
                    }                                                           \
                }                                                               \
    }
