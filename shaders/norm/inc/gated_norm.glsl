// gated_norm.glsl — what the kernels of gated_norm share: what a norm is over, and its gates.
// Include after the bindings x, z and PUSH_ARGS(gated_norm_args).
#include "shaders/scan/inc/streams.glsl"
#include "shaders/inc/silu.glsl"
#include "shaders/inc/texels.glsl"
layout(constant_id = SPEC_GATED_NORM_GATE) const uint GATE = GATED_NORM_NO_GATE;
layout(constant_id = SPEC_GATED_NORM_HAS_W) const uint HAS_W = 0u;
layout(constant_id = SPEC_GATED_NORM_ODD_Z) const uint ODD_Z = 0u;

#define NORM_HEADS (a.whole != 0u ? a.heads : 1u)              // heads that a norm is over
#define NORMS      (a.whole != 0u ? a.dirs : a.heads * a.dirs)  // norms of a row
#define NORM_OF(h, dir) (a.whole != 0u ? (dir) : (h) * a.dirs + (dir))
#define Z_AT(row, h, dir) ((row) * a.ld_z + a.z_col0 + (h) * a.z_head + (dir) * a.z_dir)
#define FOR_HEADS(h, h0)  for (uint h = (h0); h < (h0) + NORM_HEADS; h++)

float total(float v)
{
    return v;
}

float total(vec4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}

// Column i of the z that begins at zs.
T load_z(uint zs, uint i)
{
#ifdef QUADS
    if (ODD_Z != 0u)
        return fetch_at(z, zs + 4u * i, a.last_z);
#endif
    return LOAD(z, zs + i);
}

// What stands before the norm, and the gate after it.
T before(T v, uint zs, uint i)
{
    if (GATE == GATED_NORM_GATE_FIRST)
        v *= silu(load_z(zs, i));
    return v;
}

T after(T v, uint zs, uint i)
{
    if (GATE == GATED_NORM_NORM_FIRST)
        v *= silu(load_z(zs, i));
    return v;
}
