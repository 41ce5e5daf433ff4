// attention_simd.glsl — shared by the SIMD form of attention, for CPUs that run a subgroup as one SIMD
// vector. A workgroup is one subgroup of BLOCK lanes; each lane owns OWN rows of one side in registers.
// Rows of the other side come BLOCK at a time, one a lane, and shuffles hand them round, because a
// shuffle costs one instruction there and a fetch some fifty. Heads are whole vec4.
#extension GL_KHR_shader_subgroup_shuffle : require
#extension GL_EXT_control_flow_attributes : require
#define LOG2E 1.4426950408889634
#define LN2   0.6931471805599453
layout(constant_id = SPEC_ATTENTION_DIM) const uint D = 32u;
layout(constant_id = SPEC_ATTENTION_BLOCK) const uint BLOCK = 4u;
layout(constant_id = SPEC_ATTENTION_OWN) const uint OWN = 2u;
layout(constant_id = SPEC_ATTENTION_CAUSAL) const uint CAUSAL = 0u;
layout(constant_id = SPEC_ATTENTION_GROUP) const uint GROUP = 1u;
const uint W = D / 4u;             // vec4 of a head

#define LANE gl_SubgroupInvocationID
#define FOR(i, n) [[unroll]] for (uint i = 0u; i < (n); i++)
// Over the vec4 of a head, with one copy of the code for drivers to compile: NEXT_VEC4 moves the others up to place 0.
#define FOR_VEC4(w) [[dont_unroll]] for (uint w = 0u; w < W; w++)
#define NEXT_VEC4(v) FOR(next, W - 1u) v[next] = v[next + 1u]

struct span {                      // the rows of this workgroup's image, the columns of its head in vec4
    uint first, n;                 // first row, row count; n = 0 beyond the last image
    uint ld, q, k, v;              // row stride of qkv, columns of this head's q, k and v
    uint ldo, o;                   // row stride of o, column of this head
    uint h;
};

// Of query head h. No rows for a workgroup beyond the image: its loop is empty, but not skipped.
span simd_span_of(uint images, uint heads, uint h)
{
    span s;
    uint kv_heads = heads / GROUP;
    s.h = h;
    s.ldo = heads * W;
    s.ld = (heads + 2u * kv_heads) * W;
    s.q = s.o = s.h * W;
    s.k = (heads + s.h / GROUP) * W;
    s.v = s.k + kv_heads * W;
    s.first = s.n = 0u;
    if (gl_WorkGroupID.z < images) {
        s.first = ROWS_OFFSET(Tok, gl_WorkGroupID.z);
        s.n = ROWS_OFFSET(Tok, gl_WorkGroupID.z + 1u) - s.first;
    }
    if (gl_WorkGroupID.x * OWN * BLOCK >= s.n)
        s.n = 0u;
    return s;
}

span simd_span(uint images, uint heads)
{
    return simd_span_of(images, heads, gl_WorkGroupID.y);
}

// Keys that the workgroup's queries see, the image's first ones, and the first query that sees its keys: the same for
// all lanes. Blocks beyond are not taken.
uint simd_keys(span s)
{
    return CAUSAL == 0u ? s.n : min(s.n, (gl_WorkGroupID.x + 1u) * OWN * BLOCK);
}

uint simd_first_query()
{
    return CAUSAL == 0u ? 0u : gl_WorkGroupID.x * OWN * BLOCK;
}

// Does query i of the image see key j? Keys beyond the image are seen by no query that is there.
bool simd_sees(span s, uint i, uint j)
{
    return CAUSAL == 0u ? j < s.n : j <= i;
}

// Row u of those that this lane owns, within its image.
uint simd_own(uint u)
{
    return (gl_WorkGroupID.x * OWN + u) * BLOCK + LANE;
}

// Its row in the batch; a row that is there in place of one beyond the image.
uint simd_row(span s, uint i)
{
    return s.first + min(i, max(s.n, 1u) - 1u);
}
