// augment.h — the random choices of training data as pure functions: order of an epoch, changes to a picture.
//
// Nothing here has state: the same seed, epoch and index give the same answer, whatever came before.
// Thread-safety: safe.
#ifndef NN_AUGMENT_H
#define NN_AUGMENT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Where place i of an epoch of n pictures is taken from: a permutation of 0 .. n - 1. i < n.
uint32_t nn_shuffle_get(uint64_t seed, uint64_t epoch, uint32_t n, uint32_t i);

typedef struct nn_augment_params {
    bool     flip_h, flip_v;        // mirrored left-right, top-bottom, each half of the time
    bool     transpose;             // rows become columns half of the time; square pictures only
    uint32_t shift;                 // moved by at most so many pixels both ways, edges mirrored; < height, width
} nn_augment_params;

// 64 bits that belong to a picture of an epoch, for draws of their own (nn/base/rng.h).
uint64_t nn_augment_key(uint64_t seed, uint64_t epoch, uint64_t index);

// in and out are (height, width, 3) and do not overlap. The choices follow from seed, epoch and index.
void nn_augment_write(const nn_augment_params *p, uint64_t seed, uint64_t epoch, uint64_t index, uint32_t height,
                      uint32_t width, const uint8_t *in, uint8_t *out);

#ifdef __cplusplus
}
#endif
#endif
