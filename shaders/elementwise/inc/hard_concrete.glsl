// hard_concrete.glsl — one gate and its slope; nothing random is stored, a backward pass draws the same bits again.
#include "shaders/elementwise/hard_concrete.h"
#include "shaders/inc/rng.glsl"
#include "shaders/inc/quads.glsl"
#include "shaders/inc/sigmoid.glsl"

// [s, 1 - s] for number `counter` of a stream; in evaluation beta_inv is 1 and nothing is drawn.
vec2 hard_concrete_s(float log_alpha, float beta_inv, bool is_sampled, uvec2 key, uint stream, uint counter)
{
    float logit = log_alpha;
    if (is_sampled) {
        float u = clamp(rng_uniform(key, stream, counter), HARD_CONCRETE_CLIP, 1.0 - HARD_CONCRETE_CLIP);
        logit = (log(u) - log(1.0 - u) + log_alpha) * beta_inv;
    }
    vec2 s;
    sigmoid_both(logit, s.x, s.y);
    return s;
}

// [z, dz/dlog_alpha]
vec2 hard_concrete_gate(vec2 s, float beta_inv)
{
    const float width = HARD_CONCRETE_ZETA - HARD_CONCRETE_GAMMA;
    float z = s.x * width + HARD_CONCRETE_GAMMA;
    return vec2(clamp(z, 0.0, 1.0), z > 0.0 && z < 1.0 ? width * s.x * s.y * beta_inv : 0.0);
}
