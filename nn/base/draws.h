// draws.h — random numbers one after another, from one stream of nn/base/rng.h.
//
// Thread-safety: safe, with a nn_draws for each thread.
#ifndef NN_DRAWS_H
#define NN_DRAWS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_draws { uint64_t key; uint32_t stream, at; } nn_draws;    // at: how many were taken

double   nn_draw_uniform(nn_draws *d);                          // 0 < u < 1
double   nn_draw_between(nn_draws *d, double least, double most);
double   nn_draw_normal(nn_draws *d);                           // mean 0, variance 1
uint32_t nn_draw_below(nn_draws *d, uint32_t n);                // 0 .. n - 1

#ifdef __cplusplus
}
#endif
#endif
