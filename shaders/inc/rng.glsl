// rng.glsl — random numbers in kernels, keyed as nn/base/rng.h: bits and uniforms are the host's, to the bit.
#include "shaders/inc/rng.h"

uint rng_bits(uvec2 seed, uint stream, uint counter)
{
    return rng_word(seed.x, seed.y, stream, counter, 0u);
}

float rng_uniform(uvec2 seed, uint stream, uint counter)    // 0 <= u < 1, 24 bits
{
    return float(rng_bits(seed, stream, counter) >> 8) * (1.0 / 16777216.0);
}

// Close to the host's, not equal: log and cos differ.
float rng_normal(uvec2 seed, uint stream, uint counter)
{
    float u = 1.0 - rng_uniform(seed, stream, counter);
    float v = float(rng_word(seed.x, seed.y, stream, counter, 1u) >> 8) * (1.0 / 16777216.0);
    return sqrt(-2.0 * log(u)) * cos(6.28318530718 * v);
}
