// delta_form.glsl — the two forms of the delta rule's kernels, and where a chunk lies.
//   plain: an invocation owns one column. Values that a whole workgroup shares are read by each.
//   SIMD: for CPUs that run a subgroup as one SIMD vector. A workgroup is one subgroup, a lane owns four
//   columns, reads are fetches, and what all share comes one vec4 a lane and goes round by shuffles.
// A product of ROWS rows is written once for both.
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
#extension GL_EXT_control_flow_attributes : require
ROWS(0, Tok);
layout(constant_id = SPEC_DELTA_DK) const uint DK = 32u;
layout(constant_id = SPEC_DELTA_DV) const uint DV = 32u;
layout(constant_id = SPEC_DELTA_CHUNK) const uint Q = 16u;
// Rows of a triangular solve in registers: lavapipe unrolls them and takes minutes over 64. A specialisation constant
// though no one sets it, for SwiftShader unrolls only loops of literal length and does not end over 16.
layout(constant_id = SPEC_DELTA_BLOCK) const uint BLOCK = 16u;
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)

#ifdef SIMD_FORM
#extension GL_KHR_shader_subgroup_shuffle : require
layout(constant_id = SPEC_DELTA_SIMD) const uint SIMD = 4u;
#define LANE gl_SubgroupInvocationID
#define ROWS_EACH 8u               // rows of a product
#define COL vec4                   // columns of a lane
#define COLS 4u
#define KB (4u * SIMD)             // numbers of a row that come at once
#define FRAG vec4                  // a lane's share of them
#define BUFFER_IN(BINDING, NAME)  layout(binding = BINDING) uniform samplerBuffer NAME
#define BUFFER_OUT(BINDING, NAME) layout(binding = BINDING) writeonly buffer Buffer##NAME { vec4 NAME[]; }
#define AT(B, I) texelFetch(B, int((I) / 4u))
#define BUFFER_OWN(BINDING, NAME) layout(binding = BINDING) buffer Buffer##NAME { vec4 NAME[]; }
#define PUT(B, I, X) B[(I) / 4u] = (X)
#define OWN_AT(B, I) B[(I) / 4u]   // what this lane has put there
#define FRAG_AT(B, I, K0, N) ((K0) + 4u * LANE < (N) ? texelFetch(B, int(((I) + (K0)) / 4u + LANE)) : vec4(0.0))
#define SHARED(T, J) subgroupShuffle((T)[(J) % 4u], (J) / 4u)
#define GATE(B, I) texelFetch(B, int(I))
// 1 where column c is before r, else 0
COL is_before(uint c, uint r)
{
    return mix(vec4(0.0), vec4(1.0), lessThan(uvec4(c, c + 1u, c + 2u, c + 3u), uvec4(r)));
}
#else
#define LANE gl_LocalInvocationID.x
#define ROWS_EACH 8u
#define COL float
#define COLS 1u
#define KB 1u
#define FRAG float
#define BUFFER_IN(BINDING, NAME)  layout(binding = BINDING) readonly buffer Buffer##NAME { float NAME[]; }
#define BUFFER_OUT(BINDING, NAME) layout(binding = BINDING) writeonly buffer Buffer##NAME { float NAME[]; }
#define AT(B, I) B[I]
#define BUFFER_OWN(BINDING, NAME) layout(binding = BINDING) buffer Buffer##NAME { float NAME[]; }
#define PUT(B, I, X) B[I] = (X)
#define OWN_AT(B, I) B[I]
#define FRAG_AT(B, I, K0, N) B[(I) + (K0)]
#define SHARED(T, J) (T)
#define GATE(B, I) vec4(B[4u * (I)], B[4u * (I) + 1u], B[4u * (I) + 2u], B[4u * (I) + 3u])
COL is_before(uint c, uint r)
{
    return c < r ? 1.0 : 0.0;
}
#endif

// acc[r] += sum over k < N of L[LROW(r) + k] B[BROW(k) + own columns]. N >= 1.
#define MULTIPLY(ACC, L, LROW, N, B, BROW)                                                             \
    for (uint k0_ = 0u; k0_ < (N); k0_ += KB) {                                                        \
        FRAG t_[ROWS_EACH];                                                                            \
        FOR(r_, ROWS_EACH)                                                                             \
            t_[r_] = FRAG_AT(L, LROW(r_), k0_, N);                                                     \
        FOR(j_, KB) {                                                                                  \
            COL b_ = AT(B, BROW(min(k0_ + j_, (N) - 1u)));                                             \
            FOR(r_, ROWS_EACH)                                                                         \
                ACC[r_] += SHARED(t_[r_], j_) * b_;                                                    \
        }                                                                                              \
    }

// acc[s] += sum over FROM <= k < END of L[LROW(k) + s] B[BROW(k) + own columns].
#ifdef SIMD_FORM
#define FRAG_ROWS(L, I, ROWS) FRAG t_ = texelFetch(L, int((I) / 4u + LANE % ((ROWS) / 4u)))
#define FRAG_ROW(L, I, S) subgroupShuffle(t_[(S) % 4u], (S) / 4u)
#else
#define FRAG_ROWS(L, I, ROWS)
#define FRAG_ROW(L, I, S) L[(I) + (S)]
#endif
#define MULTIPLY_TRANSPOSED(ACC, L, LROW, FROM, END, B, BROW)                                          \
    for (uint k_ = (FROM); k_ < (END); k_++) {                                                         \
        COL b_ = AT(B, BROW(k_));                                                                      \
        uint at_ = LROW(k_);                                                                           \
        FRAG_ROWS(L, at_, ROWS_EACH);                                                                  \
        FOR(s_, ROWS_EACH)                                                                             \
            ACC[s_] += FRAG_ROW(L, at_, s_) * b_;                                                      \
    }

// acc1[r] += L1[LROW1(r) ..] . B[BROW(own) ..], acc2 the same with L2: N numbers each. MULTIPLY_ROW: one alone.
#ifdef SIMD_FORM
#define MULTIPLY_ROWS(ACC1, ACC2, L1, LROW1, L2, LROW2, N, B, BROW)                                    \
    for (uint k0_ = 0u; k0_ < (N); k0_ += KB) {                                                        \
        vec4 t1_[ROWS_EACH], t2_[ROWS_EACH];                                                           \
        FOR(r_, ROWS_EACH) {                                                                           \
            t1_[r_] = FRAG_AT(L1, LROW1(r_), k0_, N);                                                  \
            t2_[r_] = FRAG_AT(L2, LROW2(r_), k0_, N);                                                  \
        }                                                                                              \
        FOR(j_, SIMD) {                                                                                \
            uint k_ = min(k0_ + 4u * j_, (N) - 4u);                                                    \
            vec4 b0_ = AT(B, BROW(0u) + k_), b1_ = AT(B, BROW(1u) + k_);                               \
            vec4 b2_ = AT(B, BROW(2u) + k_), b3_ = AT(B, BROW(3u) + k_);                               \
            FOR(r_, ROWS_EACH) {                                                                       \
                vec4 x_ = subgroupShuffle(t1_[r_], j_), y_ = subgroupShuffle(t2_[r_], j_);             \
                ACC1[r_] += vec4(dot(x_, b0_), dot(x_, b1_), dot(x_, b2_), dot(x_, b3_));              \
                ACC2[r_] += vec4(dot(y_, b0_), dot(y_, b1_), dot(y_, b2_), dot(y_, b3_));              \
            }                                                                                          \
        }                                                                                              \
    }
#define MULTIPLY_ROW(ACC, L, LROW, N, B, BROW)                                                         \
    for (uint k0_ = 0u; k0_ < (N); k0_ += KB) {                                                        \
        vec4 t_[ROWS_EACH];                                                                            \
        FOR(r_, ROWS_EACH)                                                                             \
            t_[r_] = FRAG_AT(L, LROW(r_), k0_, N);                                                     \
        FOR(j_, SIMD) {                                                                                \
            uint k_ = min(k0_ + 4u * j_, (N) - 4u);                                                    \
            vec4 b0_ = AT(B, BROW(0u) + k_), b1_ = AT(B, BROW(1u) + k_);                               \
            vec4 b2_ = AT(B, BROW(2u) + k_), b3_ = AT(B, BROW(3u) + k_);                               \
            FOR(r_, ROWS_EACH) {                                                                       \
                vec4 x_ = subgroupShuffle(t_[r_], j_);                                                 \
                ACC[r_] += vec4(dot(x_, b0_), dot(x_, b1_), dot(x_, b2_), dot(x_, b3_));               \
            }                                                                                          \
        }                                                                                              \
    }
// acc += products of the own rows of B at column J
#define SUM_ROWS(ACC, B, ROW1, ROW2, J)                                                                \
    ACC += vec4(dot(AT(B, ROW1(0u) + (J)), AT(B, ROW2(0u) + (J))),                                     \
                dot(AT(B, ROW1(1u) + (J)), AT(B, ROW2(1u) + (J))),                                     \
                dot(AT(B, ROW1(2u) + (J)), AT(B, ROW2(2u) + (J))),                                     \
                dot(AT(B, ROW1(3u) + (J)), AT(B, ROW2(3u) + (J))));
#else
#define MULTIPLY_ROW(ACC, L, LROW, N, B, BROW)                                                         \
    for (uint k_ = 0u; k_ < (N); k_++) {                                                               \
        float b_ = B[BROW(0u) + k_];                                                                   \
        FOR(r_, ROWS_EACH)                                                                             \
            ACC[r_] += L[LROW(r_) + k_] * b_;                                                          \
    }
#define SUM_ROWS(ACC, B, ROW1, ROW2, J) ACC += B[ROW1(0u) + (J)] * B[ROW2(0u) + (J)];
#define MULTIPLY_ROWS(ACC1, ACC2, L1, LROW1, L2, LROW2, N, B, BROW)                                    \
    for (uint k_ = 0u; k_ < (N); k_++) {                                                               \
        float b_ = B[BROW(0u) + k_];                                                                   \
        FOR(r_, ROWS_EACH) {                                                                           \
            ACC1[r_] += L1[LROW1(r_) + k_] * b_;                                                       \
            ACC2[r_] += L2[LROW2(r_) + k_] * b_;                                                       \
        }                                                                                              \
    }
#endif

PUSH_ARGS(delta_scan_args);

// Where things lie in the private memory, see delta_scan.h.
#define N_TOKENS (a.rows * a.streams)
#define N_STATES (Tok.cap_images * a.chunks * a.streams)
#define AT_GATE  0u
#define AT_KK    (4u * N_TOKENS)
#define AT_QK    ((4u + Q) * N_TOKENS)
#define AT_DQK   ((4u + 2u * Q) * N_TOKENS)
#define AT_DKK   ((4u + 3u * Q) * N_TOKENS)
#define AT_DECAY ((4u + 4u * Q) * N_TOKENS)
#define AT_BETA  ((4u + 5u * Q) * N_TOKENS)
#define AT_SUMS  ((4u + 6u * Q) * N_TOKENS)
#define AT_DBETA ((8u + 6u * Q) * N_TOKENS)
#define AT_DG    ((9u + 6u * Q) * N_TOKENS)
#define AT_DU    (DV * N_TOKENS)
#define AT_DV    (2u * DV * N_TOKENS)
#define AT_DKS   (DK * N_TOKENS)
#define AT_DKH   (2u * DK * N_TOKENS)
#define AT_DH    (DK * DV * N_STATES)
#define AT_PART  (2u * DK * DV * N_STATES)

struct span {                      // a chunk of a stream
    uint n;                        // its tokens; 0 = there is no such chunk
    uint first;                    // its first row, in the order of positions
    uint s, h, dir;                // stream, head, direction
    uint local;                    // stream, counted from the launch's first
    uint slot;                     // of its state
};

// Chunk c of the workgroup's image (z) and stream (y, from stream0 on). Chunks lie at the same positions for both
// directions.
span span_get(uint c)
{
    span t;
    uint b = gl_WorkGroupID.z;
    t.local = gl_WorkGroupID.y;
    t.s = a.stream0 + t.local;
    t.h = t.s / a.dirs;
    t.dir = t.s % a.dirs;
    t.slot = (b * a.chunks + c) * a.streams + t.local;
    t.n = t.first = 0u;
    if (b < Tok.images) {
        uint r0 = ROWS_OFFSET(Tok, b), end = ROWS_OFFSET(Tok, b + 1u);
        if (r0 + c * Q < end) {
            t.first = r0 + c * Q;
            t.n = min(end - t.first, Q);
        }
    }
    return t;
}

// Row of token r of the chunk, in the order the stream runs in; the last one in place of one beyond.
uint row_of(span t, uint r)
{
    r = min(r, t.n - 1u);
    return t.first + (t.dir == 0u ? r : t.n - 1u - r);
}

// The same, in an array (R, streams of the launch), and in one of all streams.
uint token_of(span t, uint r)
{
    return row_of(t, r) * a.streams + t.local;
}

uint out_of(span t, uint r)
{
    return row_of(t, r) * a.heads * a.dirs + t.s;
}

#define COLUMN(T, X) (a.X##_col0 + (T).h * a.X##_head + (T).dir * a.X##_dir)

// Tiles of ROWS_EACH rows and WG * COLS columns, numbered through all chunks.
struct tile { uint chunk, row, col; };
tile tile_get(uint cols)
{
    uint blocks = (cols + WG * COLS - 1u) / (WG * COLS), rows = Q / ROWS_EACH, x = gl_WorkGroupID.x;
    return tile(x / blocks / rows, x / blocks % rows * ROWS_EACH, (x % blocks * WG + LANE) * COLS);
}
