// window_last.glsl — the K - 1 inputs before a next token, oldest first; start where the image has none. One invocation
// a number. Include after token_window.glsl.
layout(binding = LAST_BINDING) writeonly buffer Last { float last[]; };   // (images, N, K - 1)

void main()
{
    uint n = gl_WorkGroupID.x * WG + gl_LocalInvocationID.x, image_row = gl_WorkGroupID.z;
    if (n >= CHANNELS)
        return;
    walk_image(image_row);
    set_channel(n);
    FOR(i, K - 1u)
        last[(image_row * CHANNELS + n) * (K - 1u) + i] = input_at(count + i);
}
