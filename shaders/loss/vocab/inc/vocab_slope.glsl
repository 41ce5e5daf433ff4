// vocab_slope.glsl — what follows from the logits of row m at columns n .. n + 3 of a chunk for the gradients: 0 in
// rows that are not counted and from column a.n on.
#ifdef SLOPES
vec4 get_slopes(uint m, uint n, vec4 logits)
{
    uint y = label[m];
    uvec4 at = n + uvec4(0u, 1u, 2u, 3u);
    float scale = y < a.vocab ? dloss[0] / float(max(count[0], 1u)) : 0.0;
    vec4 hot = mix(vec4(0.0), vec4(1.0), equal(at + a.first, uvec4(y)));
    vec4 v = scale * (exp(min(logits - lse[m], vec4(0.0))) - hot);
    return mix(vec4(0.0), v, lessThan(at, uvec4(y < a.vocab ? a.n : 0u)));
}
#endif
