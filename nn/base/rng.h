// rng.h — counter-based random numbers: pure functions of (seed, stream, counter).
//
// Nothing is hidden and nothing is kept: number k of a stream can be had without the ones before.
// Streams of one seed are independent: a tensor, an epoch, an image takes one each. Bits, uniforms,
// `below` and shuffles are the same on every machine, bits and uniforms also in kernels
// (shaders/inc/rng.glsl); normal numbers depend on the C library's last bit.
// Thread-safety: safe.
#ifndef NN_RNG_H
#define NN_RNG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

uint32_t nn_rng_bits(uint64_t seed, uint32_t stream, uint32_t counter);
float    nn_rng_uniform(uint64_t seed, uint32_t stream, uint32_t counter);  // 0 <= u < 1, 24 bits
float    nn_rng_normal(uint64_t seed, uint32_t stream, uint32_t counter);   // mean 0, variance 1
uint32_t nn_rng_below(uint64_t seed, uint32_t stream, uint32_t counter, uint32_t n);    // 0 .. n - 1

// Put list[0 .. n - 1] in random order; takes the counters 0 .. n - 1 of the stream.
void     nn_rng_shuffle(uint64_t seed, uint32_t stream, uint32_t *list, uint32_t n);

// One number of a stream after another.
typedef struct nn_draws { uint64_t key; uint32_t stream, at; } nn_draws;    // at: how many were taken

double   nn_draw_uniform(nn_draws *d);                          // 0 < u < 1
double   nn_draw_between(nn_draws *d, double least, double most);
double   nn_draw_normal(nn_draws *d);                           // mean 0, variance 1
uint32_t nn_draw_below(nn_draws *d, uint32_t n);                // 0 .. n - 1

#ifdef __cplusplus
}
#endif
#endif
