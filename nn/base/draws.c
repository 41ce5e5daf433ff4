// draws.c — the next number of a stream.
#include "nn/base/draws.h"

#include "nn/base/rng.h"

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
