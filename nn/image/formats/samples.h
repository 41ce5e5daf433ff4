// samples.h — what formats of many kinds share: samples of any number of bits as 8, and 4 inks as RGB.
//
// Thread-safety: safe.
#ifndef NN_SAMPLES_H
#define NN_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { NN_SAMPLE_UNSIGNED, NN_SAMPLE_SIGNED, NN_SAMPLE_FLOAT } nn_sample_type;

// How a line of pixels is stored.
typedef struct nn_samples {
    uint32_t bits;                  // 1, 2, 4 (one sample a pixel), 8, 16, 32
    uint32_t each;                  // samples of a pixel in a line
    uint32_t use;                   // of them those that count, the first ones: 1 .. 4
    nn_sample_type type;
    bool     cuts;                  // of 16 bits and more: cut at 255 in place of the higher 8 bits
} nn_samples;

// n pixels of a line to 8 bits: sample k < use of pixel i becomes out[4 * i + k]. Samples of more than 8 bits are in
// this machine's order of bytes; those of fewer stay as they are.
void nn_samples_read(const nn_samples *s, const uint8_t *line, uint32_t n, uint8_t *out);

// (n, 4) of cyan, magenta, yellow, black to (n, 3), rounded as Pillow does it. 255 is all ink; is_inverted: no ink.
void nn_samples_mix_inks(const uint8_t *cmyk, uint32_t n, bool is_inverted, uint8_t *rgb);

#ifdef __cplusplus
}
#endif
#endif
