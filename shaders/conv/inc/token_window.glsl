// token_window.glsl — the walk along one image's tokens in one direction, with a window of the last K inputs.
//
// Include after ROWS(0, Tok), PUSH_ARGS(...), `K`, `SHIFTED`, and START_BINDING, that of the inputs before the first
// token. Channels are counted in T, see quads.glsl.
#extension GL_EXT_control_flow_attributes : require
#include "shaders/inc/quads.glsl"
READ(1, x);                                                    // (R, ld)
layout(binding = START_BINDING) readonly buffer S { float start[]; };      // (images, N, K - 1) or absent
#define COLS (a.cols / T_LEN)       // channels of a direction
#define CHANNELS (a.dirs * COLS)   // of both
#define FOR(I, COUNT) [[unroll]] for (uint I = 0u; I < (COUNT); I++)

uint image, first, count;          // first row and tokens of the image; none when it is not live
uint dir, channel;                 // channel = dir * COLS + that of the direction
T window[K];                       // window[j] = x_{t - (K - 1) + j}

void walk_image(uint b)
{
    image = b;
    first = count = 0u;
    if (b < Tok.images) {
        first = ROWS_OFFSET(Tok, b);
        count = ROWS_OFFSET(Tok, b + 1u) - first;
    }
}

void set_channel(uint n)
{
    channel = n;
    dir = n / COLS;
}

// Row of the token at place t of the direction's order.
uint row_at(uint t)
{
    return dir == 0u ? first + t : first + count - 1u - t;
}

// First element of the channel in row r of x.
uint column_of(uint r)
{
    return r * a.ld + a.col0 + dir * a.dir_stride + (channel - dir * COLS) * T_LEN;
}

T x_at(uint t)
{
    uint at = column_of(row_at(t));
#ifdef QUADS
    vec4 p = texelFetch(x, int(at / 4u));
    if (SHIFTED == 1u) {
        vec4 q = texelFetch(x, int(min(at / 4u + 1u, a.last_texel)));
        uint s = at % 4u;
        p = s == 0u ? p : s == 1u ? vec4(p.yzw, q.x) : s == 2u ? vec4(p.zw, q.xy) : vec4(p.w, q.xyz);
    }
    return p;
#else
    return x[at];
#endif
}

// Input e of the channel in the order [start, x]; start counts as 0 where there is none.
T input_at(uint e)
{
    T v = T(0.0);
    if (e >= K - 1u) {
        v = x_at(e - (K - 1u));
    } else if (a.has_start != 0u) {
        uint at = (image * CHANNELS + channel) * T_LEN * (K - 1u) + e;
#ifdef QUADS
        v = vec4(start[at], start[at + K - 1u], start[at + 2u * (K - 1u)], start[at + 3u * (K - 1u)]);
#else
        v = start[at];
#endif
    }
    return v;
}

// After it, window_step(x_at(t)) makes the window of t.
void window_begin(uint t)
{
    window[0] = T(0.0);
    FOR(j, K - 1u)
        window[j + 1u] = input_at(t + j);
}

void window_step(T v)
{
    FOR(j, K - 1u)
        window[j] = window[j + 1u];
    window[K - 1u] = v;
}

// taps[] of the T_LEN channels from number AT on, counted in T; in W the K taps of a channel lie side by side.
T taps[K];
#ifdef QUADS                       // four channels of K taps are K whole texels
#define READ_TAPS(W, AT) \
    vec4 texels[K]; \
    FOR(i, K) \
        texels[i] = texelFetch(W, int((AT) * K + i)); \
    FOR(j, K) \
        FOR(c, 4u) \
            taps[j][c] = texels[(c * K + j) / 4u][(c * K + j) % 4u]
// Element I of those texels, out of an array like taps[].
vec4 texel_of(T of[K], uint i)
{
    vec4 v;
    FOR(c, 4u)
        v[c] = of[(4u * i + c) % K][(4u * i + c) / K];
    return v;
}
#else
#define READ_TAPS(W, AT) \
    FOR(j, K) \
        taps[j] = W[(AT) * K + j]
float texel_of(T of[K], uint i)
{
    return of[i];
}
#endif
