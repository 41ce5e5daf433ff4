// feature_map_simd.glsl — shared by the SIMD form of the Hedgehog map, for CPUs that run a subgroup as one
// SIMD vector: see attention_simd.glsl. A workgroup is one subgroup of SIMD lanes, all of one head; columns
// come as vec4.
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_control_flow_attributes : require
layout(constant_id = SPEC_FEATURE_MAP_DIM) const uint D = 32u;
layout(constant_id = SPEC_FEATURE_MAP_OWN) const uint OWN = 2u;
layout(constant_id = SPEC_FEATURE_MAP_SIMD) const uint SIMD = 4u;
const uint V = D / 4u;             // vec4 of a head

#define LANE gl_SubgroupInvocationID
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)

// Own row o of the tile that starts at r0; the last live row in place of one beyond.
#define IS_OWN(R0, O)  ((R0) + (O) * SIMD + LANE < Tok.n)
#define OWN_ROW(R0, O) min((R0) + (O) * SIMD + LANE, Tok.n - 1u)
