// attention_rows.glsl — shared by the rows form of attention: one invocation owns one row, the other
// side is read at addresses that are equal in the whole workgroup. No barrier, no shared memory.
#extension GL_EXT_control_flow_attributes : require
#define LOG2E 1.4426950408889634
#define LN2   0.6931471805599453
layout(constant_id = SPEC_ATTENTION_DIM) const uint D = 32u;
layout(constant_id = SPEC_ATTENTION_BLOCK) const uint BLOCK = 4u;

struct span {                      // the rows of this workgroup's image, the columns of its head
    uint first, n;                 // first row, row count; n = 0 beyond the last image
    uint ld, q, k, v;              // row stride of qkv, columns of this head's q, k and v
    uint ldo, o;                   // row stride of o, column of this head
    uint h;
};

span span_get(uint images, uint heads)
{
    span s;
    s.h = gl_WorkGroupID.y;
    s.ldo = heads * D;
    s.ld = 3u * s.ldo;
    s.q = s.o = s.h * D;
    s.k = s.q + s.ldo;
    s.v = s.k + s.ldo;
    s.first = s.n = 0u;
    if (gl_WorkGroupID.z < images) {
        s.first = ROWS_OFFSET(Tok, gl_WorkGroupID.z);
        s.n = ROWS_OFFSET(Tok, gl_WorkGroupID.z + 1u) - s.first;
    }
    return s;
}
