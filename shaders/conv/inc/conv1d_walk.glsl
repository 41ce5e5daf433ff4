// conv1d_walk.glsl — token_window.glsl with the filter and the bias of a channel.
//
// Include after ROWS(0, Tok) and PUSH_ARGS(conv1d_args).
layout(constant_id = SPEC_CONV1D_K) const uint K = 4u;
layout(constant_id = SPEC_CONV1D_SHIFTED) const uint SHIFTED = 0u;
#define START_BINDING 4
#include "shaders/conv/inc/token_window.glsl"
#include "shaders/inc/sigmoid.glsl"
READ(2, w);                                                    // (N, K), N = dirs cols
layout(binding = 3) readonly buffer B { T bias[]; };           // (N) or absent

T bias0;                           // of the channel

void walk_channel(uint n)
{
    set_channel(n);
    READ_TAPS(w, n);
    bias0 = T(0.0);
    if (a.has_bias != 0u)
        bias0 = bias[n];
}

T preactivation()
{
    T u = bias0;
    FOR(j, K)
        u += taps[j] * window[j];
    return u;
}
