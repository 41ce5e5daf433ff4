// window_attention.glsl — which row, head and block an invocation owns.
#extension GL_EXT_control_flow_attributes : require
layout(constant_id = SPEC_WINDOW_ATTENTION_DIM) const uint D = 32u;
#define FOR(I, N) [[unroll]] for (uint I = 0u; I < (N); I++)

struct place {
    uint h, C;                     // head; columns of all heads
    uint row, at;                  // own row; its place in (R, H)
    uint first, end;               // rows of its block
    uint state;                    // first element of the block's state
    bool live;                     // false: nothing to do
};

// The own row of image b: invocations over heads and rows of an image, heads side by side.
place place_get(uint images, uint b, window_attention_args a)
{
    place p;
    uint lane = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, r0 = 0u, r1 = 0u;
    if (b < images) {
        r0 = ROWS_OFFSET(Tok, b);
        r1 = ROWS_OFFSET(Tok, b + 1u);
    }
    uint n = r1 - r0;
    p.live = n > 0u && lane < n * a.heads;
    p.h = p.live ? lane / n : 0u;
    uint i = p.live ? lane % n : 0u, c = i / a.window;
    p.C = a.heads * D;
    p.row = r0 + i;
    p.at = p.row * a.heads + p.h;
    p.first = r0 + c * a.window;
    p.end = min(p.first + a.window, r1);
    p.state = ((b * a.blocks + c) * a.heads + p.h) * a.features * (D + 1u);
    return p;
}

float window_weight(float mix_logit)       // w
{
    float w, other;
    sigmoid_both(mix_logit, w, other);
    return w;
}
