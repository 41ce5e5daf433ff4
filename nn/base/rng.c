// rng.c — random numbers on the host, from the bits that kernels use.
#include "nn/base/rng.h"

#include "shaders/inc/rng.h"

#include <math.h>

static uint32_t word(uint64_t seed, uint32_t stream, uint32_t counter, uint32_t which)
{
    return rng_word((uint32_t) seed, (uint32_t) (seed >> 32), stream, counter, which);
}

uint32_t nn_rng_bits(uint64_t seed, uint32_t stream, uint32_t counter)
{
    return word(seed, stream, counter, 0);
}

float nn_rng_uniform(uint64_t seed, uint32_t stream, uint32_t counter)
{
    return (float) (word(seed, stream, counter, 0) >> 8) * (1.0f / 16777216.0f);
}

float nn_rng_normal(uint64_t seed, uint32_t stream, uint32_t counter)
{
    double u = 1 - (word(seed, stream, counter, 0) >> 8) / 16777216.0;
    double v = (word(seed, stream, counter, 1) >> 8) / 16777216.0;
    return (float) (sqrt(-2 * log(u)) * cos(6.283185307179586 * v));
}

// The high part of 64 bits times n: no result is favoured by more than 2^-32 of its share.
uint32_t nn_rng_below(uint64_t seed, uint32_t stream, uint32_t counter, uint32_t n)
{
    uint64_t high = (uint64_t) word(seed, stream, counter, 0) * n;
    uint64_t low = (uint64_t) word(seed, stream, counter, 1) * n;
    return (uint32_t) ((high + (low >> 32)) >> 32);
}

void nn_rng_shuffle(uint64_t seed, uint32_t stream, uint32_t *list, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = nn_rng_below(seed, stream, n - i, i), last = list[i - 1];
        list[i - 1] = list[k];
        list[k] = last;
    }
}

double nn_draw_uniform(nn_draws *d)
{
    return (nn_rng_bits(d->key, d->stream, d->at++) + 0.5) / 4294967296.0;
}

double nn_draw_between(nn_draws *d, double least, double most)
{
    return least + (most - least) * nn_draw_uniform(d);
}

double nn_draw_normal(nn_draws *d)
{
    return (double) nn_rng_normal(d->key, d->stream, d->at++);
}

uint32_t nn_draw_below(nn_draws *d, uint32_t n)
{
    return nn_rng_below(d->key, d->stream, d->at++, n);
}
