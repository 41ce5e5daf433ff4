// dynamic_conv_bwd.glsl — both gradients: the walk of the forward pass again, K - 1 tokens beyond the tile, because a
// token's input is in the windows of those. Each filter belongs to one token and channel, so its gradient is added to
// in place. Where both directions read the same columns, one invocation walks both ways over a tile of rows and adds to
// dx in that order.
#include "shaders/conv/dynamic_conv.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(dynamic_conv_args);
#include "shaders/conv/inc/dynamic_conv_walk.glsl"
READ(4, dy);                                                   // (R, N)
layout(binding = 5)           buffer DX { float dx[]; };       // (R, ld) += in the columns of the channels
layout(binding = 6)           buffer DK { T dk[]; };           // (R, N, K) +=

T gx[K];                           // of the inputs at places t - (K - 1) .. t, as far as the walk has come

// Gradient of u_t, from the window of t; leaves the filter of t in taps[].
T slope(uint t)
{
    T u = preactivation(t), g = LOAD(dy, row_at(t) * CHANNELS + channel), up, down;
    if (a.silu != 0u) {
        sigmoid_both(u, up, down);
        g *= up * (T(1.0) + u * down);
    }
    return g;
}

// Let the inputs in the window of t have their part of g, the gradient of u_t.
void gx_step(T g)
{
    FOR(j, K - 1u)
        gx[j] = gx[j + 1u];
    gx[K - 1u] = T(0.0);
    FOR(j, K)
        gx[j] += g * taps[j];
}

void add_dk(uint t, T g)
{
    T part[K];
    FOR(j, K)
        part[j] = g * window[j];
    uint at = (row_at(t) * CHANNELS + channel) * K;
    FOR(i, K)
        dk[at + i] += texel_of(part, i);
}

void add_dx(uint t)
{
    uint at = column_of(row_at(t));
#ifdef QUADS
    FOR(c, 4u)
        dx[at + c] += gx[0][c];
#else
    dx[at] += gx[0];
#endif
}

// Places p0 .. p0 + tile of the image, all in the direction of the channel.
void walk(uint tile)
{
    uint p0 = min(tile * a.tile, count), p1 = min(p0 + a.tile, count);
    uint t0 = dir == 0u ? p0 : count - p1, t1 = dir == 0u ? p1 : count - p0;
    uint end = t1 + (a.wants_x != 0u ? K - 1u : 0u);
    FOR(j, K)
        gx[j] = T(0.0);
    if (t0 == t1)
        return;
    window_begin(t0);
    for (uint t = t0; t < end; t++) {
        T g = T(0.0);
        if (t < count) {
            window_step(x_at(t));
            g = slope(t);
        }
        if (t < t1 && a.wants_k != 0u)
            add_dk(t, g);
        gx_step(g);
        if (a.wants_x != 0u && t >= t0 + K - 1u)
            add_dx(t - (K - 1u));
    }
}

void main()
{
    uint n = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, walks = a.dir_stride == 0u ? a.dirs : 1u;
    if (n * walks >= CHANNELS)
        return;
    walk_image(gl_WorkGroupID.z);
    for (uint tile = gl_WorkGroupID.y; tile < a.tiles; tile += gl_NumWorkGroups.y)
        for (uint d = 0u; d < walks; d++) {
            set_channel(d * COLS + n);
            walk(tile);
        }
}
