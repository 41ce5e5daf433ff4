// dynamic_conv_fwd.glsl — the convolution: an invocation walks along a tile of one image's tokens.
#include "shaders/conv/dynamic_conv.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(dynamic_conv_args);
#include "shaders/conv/inc/dynamic_conv_walk.glsl"
layout(binding = 4) writeonly buffer Y { T y[]; };             // (R, N)

void main()
{
    uint n = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x;
    if (gl_WorkGroupID.z >= Tok.images || n >= CHANNELS)
        return;
    walk_image(gl_WorkGroupID.z);
    set_channel(n);
    for (uint t0 = gl_WorkGroupID.y * a.tile; t0 < count; t0 += gl_NumWorkGroups.y * a.tile) {
        window_begin(t0);
        for (uint t = t0; t < min(t0 + a.tile, count); t++) {
            window_step(x_at(t));
            T u = preactivation(t), up, down;
            if (a.silu != 0u) {
                sigmoid_both(u, up, down);
                u *= up;
            }
            y[row_at(t) * CHANNELS + n] = u;
        }
    }
}
