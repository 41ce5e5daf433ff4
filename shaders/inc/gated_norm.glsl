// gated_norm.glsl — what the kernels of gated_norm share: where a stream's columns are, and their gates.
// Include after the bindings x, z and PUSH_ARGS(gated_norm_args).
//
// LANES neighbouring invocations share the columns of a norm: column i of every head is of the same one, so
// that streams which share columns of a gradient are added up by one invocation, in order.
#include "silu.glsl"
layout(constant_id = SPEC_GATED_NORM_GATE) const uint GATE = GATED_NORM_NO_GATE;
layout(constant_id = SPEC_GATED_NORM_HAS_W) const uint HAS_W = 0u;

#define NORM_HEADS (a.whole != 0u ? a.heads : 1u)              // heads that a norm is over
#define NORMS      (a.whole != 0u ? a.dirs : a.heads * a.dirs)  // norms of a row
#define NORM_OF(h, dir) (a.whole != 0u ? (dir) : (h) * a.dirs + (dir))
#define X_AT(row, h, dir) ((row) * a.ld_x + a.x_col0 + (h) * a.x_head + (dir) * a.x_dir)
#define Z_AT(row, h, dir) ((row) * a.ld_z + a.z_col0 + (h) * a.z_head + (dir) * a.z_dir)
#define N_AT(h, dir)      (((h) * a.dirs + (dir)) * a.dim)     // of w; a row of the output has N_COLS
#define N_COLS            (a.heads * a.dirs * a.dim)
// Calls for every own column i of heads h0 .. of a norm.
#define FOR_HEADS(h, h0)  for (uint h = (h0); h < (h0) + NORM_HEADS; h++)
#define FOR_OWN(i)        for (uint i = LANE; i < a.dim; i += LANES)

float total(float v)
{
    return v;
}

float total(vec4 v)
{
    return (v.x + v.y) + (v.z + v.w);
}

// What stands before the norm, and the gate after it.
T before(T v, uint z_at)
{
    if (GATE == GATED_NORM_GATE_FIRST)
        v *= silu(LOAD(z, z_at));
    return v;
}

T after(T v, uint z_at)
{
    if (GATE == GATED_NORM_NORM_FIRST)
        v *= silu(LOAD(z, z_at));
    return v;
}
