// gradients.h — token-to-token maps of any mixer, by its gradients: what a mixer without attention weights looks at.
//
// With y (n, C) what the mixer of a layer reads and o (n, C) what it gives before the projection, for one picture,
//   score of key k for query i = sum over c of |d (sum over c' of o[i, c']) / d y[k, c]|
// where c' runs over the channels of one head, or over all. A score is >= 0; rows do not sum to 1. Derivatives are
// those of the mixer alone, at the y of a forward pass of the whole model.
// A query is one picture of a batch: replays run over copies of a picture that differ in the row where the gradient
// starts.
// Thread-safety: as the device; one caller at a time, reading too.
#ifndef DISTILL_GRADIENTS_H
#define DISTILL_GRADIENTS_H

#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct distill_gradients distill_gradients;

// Of pixels (n, channels, height, width), normalised. Blocking; `model` must outlive it. Errors: E_NOMEM, E_DEVMEM.
vkc_status distill_gradients_create(const nn_model *model, const float *pixels, uint32_t n, distill_gradients **out);
void       distill_gradients_destroy(distill_gradients *g);     // NULL is fine

// Tokens of picture i that are there in a layer, and their places in the full image; 0 is the class token, if there is
// one.
uint32_t        distill_gradients_len(const distill_gradients *g, uint32_t layer, uint32_t i);
const uint32_t *distill_gradients_places(const distill_gradients *g, uint32_t layer, uint32_t i);

#define DISTILL_GRADIENTS_ALL UINT32_MAX    // as a head: all channels at once
// The scores of queries first .. first + n - 1 of picture i: (n, len). Blocking. Going through one layer before the
// next is cheaper: each has a graph of its own. Errors: E_ARG (no such queries), those of a graph.
vkc_status distill_gradients_read(distill_gradients *g, uint32_t layer, uint32_t i, uint32_t head, uint32_t first,
                                  uint32_t n, double *score);

#ifdef __cplusplus
}
#endif
#endif
