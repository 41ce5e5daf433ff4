// conv1d_fwd.glsl — the convolution: an invocation walks along a tile of one image's tokens.
#include "shaders/conv/conv1d.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(conv1d_args);
#include "shaders/conv/inc/conv1d_walk.glsl"
layout(binding = 5) writeonly buffer Y { T y[]; };             // (R, N)

void main()
{
    uint n = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (gl_WorkGroupID.z >= Tok.images || n >= CHANNELS)
        return;
    walk_image(gl_WorkGroupID.z);
    walk_channel(n);
    for (uint t0 = gl_WorkGroupID.y * a.tile; t0 < count; t0 += gl_NumWorkGroups.y * a.tile) {
        window_begin(t0);
        for (uint t = t0; t < min(t0 + a.tile, count); t++) {
            window_step(x_at(t));
            T u = preactivation(), up, down;
            if (a.silu != 0u) {
                sigmoid_both(u, up, down);
                u *= up;
            }
            y[row_at(t) * CHANNELS + n] = u;
        }
    }
}
