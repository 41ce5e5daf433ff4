// linear_attention_simd.glsl — shared by the SIMD form of linear attention, for CPUs that run a subgroup as
// one SIMD vector: see attention_simd.glsl. A workgroup is one subgroup of SIMD lanes, all of one image and
// head; columns come as vec4.
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_control_flow_attributes : require
layout(constant_id = SPEC_LINEAR_ATTENTION_DIM) const uint D = 32u;
layout(constant_id = SPEC_LINEAR_ATTENTION_OWN) const uint OWN = 2u;
layout(constant_id = SPEC_LINEAR_ATTENTION_SIMD) const uint SIMD = 4u;
layout(constant_id = SPEC_LINEAR_ATTENTION_CAUSAL) const uint CAUSAL = 0u;
const uint W = D / 4u;             // vec4 of a head; the state has one more, [z 0 0 0]

#define LANE gl_SubgroupInvocationID
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)

struct span {
    uint first, n;                 // rows of the image; n = 0 when there is nothing to do here
    uint h, state;                 // head, first row of its state, causal: of its rows' chunk, which is one
};

// All rows of the image.
span simd_image(uint images, uint heads, uint features, uint chunks, uint chunk)
{
    span s;
    uint b = gl_WorkGroupID.z;
    s.h = gl_WorkGroupID.y;
    s.state = ((b * chunks + chunk) * heads + s.h) * features;
    s.first = s.n = 0u;
    if (b < images) {
        s.first = ROWS_OFFSET(Tok, b);
        s.n = ROWS_OFFSET(Tok, b + 1u) - s.first;
    }
    return s;
}

// For a workgroup that owns OWN * SIMD of them.
span simd_span(uint images, uint heads, uint features, uint chunks)
{
    uint i0 = gl_WorkGroupID.x * OWN * SIMD;
    span s = simd_image(images, heads, features, chunks, CAUSAL == 0u ? 0u : i0 / uint(LINEAR_ATTENTION_CHUNK));
    if (i0 >= s.n)
        s.n = 0u;
    return s;
}

// Own row u, in the image.
uint simd_own(uint u)
{
    return (gl_WorkGroupID.x * OWN + u) * SIMD + LANE;
}

// A row of the image as one of the batch; the last one in place of one beyond.
uint simd_row(span s, uint i)
{
    return s.first + min(i, max(s.n, 1u) - 1u);
}

// p[u][j] = PHI(own row u, F0 + j), 0 beyond the features.
#define FETCH_FEATURES(P, PHI, T, F0)                                                                  \
    FOR(u, OWN)                                                                                        \
        FOR(k, SIMD / 4u) {                                                                            \
            uint f4 = min((F0) / 4u + k, a.features / 4u - 1u);                                        \
            vec4 x_ = texelFetch(PHI, int((simd_row(T, simd_own(u)) * a.heads + (T).h) *               \
                                          (a.features / 4u) + f4));                                    \
            FOR(c, 4u)                                                                                 \
                P[u][4u * k + c] = (F0) + 4u * k < a.features ? x_[c] : 0.0;                           \
        }

// DPHI(own row u, F0 + j) += d[u][j]
#define ADD_FEATURES(DPHI, D_, T, F0)                                                                  \
    FOR(u, OWN)                                                                                        \
        if (simd_own(u) < (T).n)                                                                       \
            FOR(k, SIMD / 4u)                                                                          \
                if ((F0) + 4u * k < a.features)                                                        \
                    DPHI[(((T).first + simd_own(u)) * a.heads + (T).h) * (a.features / 4u) +           \
                         (F0) / 4u + k] += vec4(D_[u][4u * k], D_[u][4u * k + 1u], D_[u][4u * k + 2u], \
                                                D_[u][4u * k + 3u]);
