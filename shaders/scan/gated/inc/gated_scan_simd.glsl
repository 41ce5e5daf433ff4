// gated_scan_simd.glsl — shared by the SIMD forms of gated_scan, for CPUs that run a subgroup as one SIMD vector:
// see attention_simd.glsl. A workgroup is one subgroup; a lane owns OWN vec4 of channels, SIMD vec4 apart, all rows
// of a chunk in registers. Values that all lanes need come a row a lane and are handed round by shuffles.
#extension GL_KHR_shader_subgroup_shuffle : require
layout(constant_id = SPEC_CHUNK_SIMD) const uint SIMD = 4u;
layout(constant_id = SPEC_GATED_SCAN_OWN) const uint OWN = 1u;
const uint BLOCKS = (CHUNK + SIMD - 1u) / SIMD;                // of SIMD rows
#define LANE gl_SubgroupInvocationID

// vec4 w of those that this lane owns of `quads`; the last one in place of one beyond.
uint simd_quad(chunk_stream t, uint w)
{
    return (t.slice * OWN + w) * SIMD + LANE;
}

// Of every SIMD rows one a lane: vec4 Q of row AT(row), 0 beyond the chunk.
#define ROWS_OF(TO, BUF, AT, Q)                                                             \
    FOR(b_, BLOCKS) {                                                                       \
        uint u_ = b_ * SIMD + LANE;                                                         \
        vec4 x_ = texelFetch(BUF, int(AT(chunk_row(t, c, rows, u_)) / 4u + (Q)));           \
        TO[b_] = u_ < rows ? x_ : vec4(0.0);                                                \
    }
// A number a row that all lanes get: f(BUF[AT(row)]) or `beyond` for rows that are not there.
#define ROW_NUMBERS(TO, F, BUF, AT, BEYOND)                                                 \
    FOR(b_, BLOCKS) {                                                                       \
        uint u_ = b_ * SIMD + LANE;                                                         \
        float x_ = F(BUF[AT(chunk_row(t, c, rows, u_))]);                                   \
        x_ = u_ < rows ? x_ : (BEYOND);                                                     \
        FOR(l_, SIMD)                                                                       \
            if (b_ * SIMD + l_ < CHUNK)                                                     \
                TO[b_ * SIMD + l_] = subgroupShuffle(x_, l_);                               \
    }
#define FROM_ROW(X, U, C) subgroupShuffle(X[(U) / SIMD][C], (U) % SIMD)
#define G0_AT(ROW) G_AT(ROW, 0u)
#define V0_AT(ROW) COLS(v, ROW)
