// conv1d_bwd.glsl — all gradients: the walk of the forward pass again, K - 1 tokens beyond the tile, because a
// token's input is in the windows of those. The tile is one of rows: where both directions read the same columns,
// one invocation walks both ways over it and adds to dx in that order.
#include "shaders/conv/conv1d.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(conv1d_args);
#include "shaders/conv/inc/conv1d_walk.glsl"
READ(5, dy);                                                   // (R, N)
layout(binding = 6)           buffer DX { float dx[]; };       // (R, ld) += in the columns of the channels
layout(binding = 7) writeonly buffer DW { T dw[]; };           // (images, tiles, N, K): parts
layout(binding = 8) writeonly buffer DB { T db[]; };           // (images, tiles, N)

T du[K];                           // du[j] is that of place t - (K - 1) + j; 0 before the tile

void du_step(T v)
{
    FOR(j, K - 1u)
        du[j] = du[j + 1u];
    du[K - 1u] = v;
}

// Gradient of u_t, from the window of t.
T slope(uint t)
{
    T g = LOAD(dy, row_at(t) * CHANNELS + channel);
    if (a.silu != 0u) {
        T u = preactivation(), up, down;
        sigmoid_both(u, up, down);
        g *= up * (T(1.0) + u * down);
    }
    return g;
}

void add_dx(uint t)
{
    T g = T(0.0);
    FOR(j, K)
        g += taps[j] * du[K - 1u - j];
    uint at = column_of(row_at(t));
#ifdef QUADS
    FOR(c, 4u)
        dx[at + c] += g[c];
#else
    dx[at] += g;
#endif
}

void write_parts(uint part, T gw[K], T gb)
{
    db[part] = gb;
    FOR(i, K)
        dw[part * K + i] = texel_of(gw, i);
}

// Places p0 .. p0 + tile of the image, all in the direction of the channel.
void walk(uint tile)
{
    uint p0 = min(tile * a.tile, count), p1 = min(p0 + a.tile, count);
    uint t0 = dir == 0u ? p0 : count - p1, t1 = dir == 0u ? p1 : count - p0;
    T gw[K], gb = T(0.0);
    FOR(j, K)
        gw[j] = du[j] = T(0.0);
    if (t0 < t1)
        window_begin(t0);
    for (uint t = t0; t < t1; t++) {
        window_step(x_at(t));
        du_step(slope(t));
        gb += du[K - 1u];
        FOR(j, K)
            gw[j] += du[K - 1u] * window[j];
        if (t >= t0 + K - 1u)
            add_dx(t - (K - 1u));
    }
    for (uint t = t1; t < t1 + K - 1u && t0 < t1; t++) {
        T g = T(0.0);
        if (t < count) {
            window_step(x_at(t));
            g = slope(t);
        }
        du_step(g);
        if (t >= t0 + K - 1u)
            add_dx(t - (K - 1u));
    }
    write_parts((image * a.tiles + tile) * CHANNELS + channel, gw, gb);
}

void main()
{
    uint n = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, walks = a.dir_stride == 0u ? a.dirs : 1u;
    if (n * walks >= CHANNELS)
        return;
    walk_image(gl_WorkGroupID.z);
    for (uint tile = gl_WorkGroupID.y; tile < a.tiles; tile += gl_NumWorkGroups.y)
        for (uint d = 0u; d < walks; d++) {
            walk_channel(d * COLS + n);
            walk(tile);
        }
}
