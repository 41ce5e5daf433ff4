// synth.h — synth:ringed-digit, the built-in procedural pictures: several digits, one inside a ring; the
// class is the ringed digit.
//
// Drawn with whole numbers only, so the bits are the same on every machine. Thread-safety: safe.
#ifndef NN_SYNTH_H
#define NN_SYNTH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NN_SYNTH_SIZE 64
#define NN_SYNTH_CLASSES 10

// What the picture shows. Pixels; a pixel's centre is at a half.
typedef struct nn_synth_truth {
    uint32_t label;                 // the ringed digit; index % 10, so that any run of indices is balanced
    uint32_t n_digits;              // all digits, the ringed one included
    float    x, y, radius;          // centre and outer radius of the ring
} nn_synth_truth;

// Picture `index` of the set that `seed` stands for: rgb (64, 64, 3). `truth` may be NULL.
void nn_synth_read(uint64_t seed, uint64_t index, uint8_t *rgb, nn_synth_truth *truth);

// mask (64 / patch, 64 / patch): 1 where a patch touches the ring or what is inside it, else 0.
void nn_synth_mask(const nn_synth_truth *truth, uint32_t patch, uint8_t *mask);

#ifdef __cplusplus
}
#endif
#endif
