// dynamic_conv_walk.glsl — token_window.glsl with the filter of each token.
//
// Include after ROWS(0, Tok) and PUSH_ARGS(dynamic_conv_args).
layout(constant_id = SPEC_DYNAMIC_CONV_K) const uint K = 4u;
layout(constant_id = SPEC_DYNAMIC_CONV_SHIFTED) const uint SHIFTED = 0u;
#define START_BINDING 3
#include "shaders/conv/inc/token_window.glsl"
#include "shaders/inc/sigmoid.glsl"
READ(2, k);                                                    // (R, N, K), N = dirs cols

// The sum of the window times the filter of the token at place t.
T preactivation(uint t)
{
    READ_TAPS(k, row_at(t) * CHANNELS + channel);
    T u = T(0.0);
    FOR(j, K)
        u += taps[j] * window[j];
    return u;
}
