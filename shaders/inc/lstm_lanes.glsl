// lstm_lanes.glsl — shared by the lanes form of the LSTM, for CPUs that run a subgroup as one SIMD vector. A
// workgroup is one subgroup and takes one stream of one image; a lane owns units 4 (q LANES + lane) .. + 3 of
// each block q. Weights are fetched every token, vectors are handed round by shuffles: no barrier.
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_control_flow_attributes : require
layout(constant_id = SPEC_LSTM_DIM) const uint D = 32u;
layout(constant_id = SPEC_LSTM_LANES) const uint LANES = 4u;
const uint W = D / 4u;             // vec4 of the hidden units
const uint BLOCKS = (W + LANES - 1u) / LANES;

#define CELL vec4
#include "lstm_cell.glsl"
#define LANE gl_SubgroupInvocationID
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)
#define HAS_OWN(q) ((q) * LANES + LANE < W)
#define OWN(q)     min((q) * LANES + LANE, W - 1u)
