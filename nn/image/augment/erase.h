// erase.h — random erasing: a box of a normalised picture replaced by noise or by a colour.
//
// Source: Zhong et al. 2020 (arXiv:1708.04896); timm, data/random_erasing.py, for areas, aspects, tries and modes.
// Thread-safety: safe.
#ifndef NN_ERASE_H
#define NN_ERASE_H

#include "nn/base/rng.h"
#include "nn/image/preprocess.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum nn_erase_mode {        // what is there then, in normalised units
    NN_ERASE_PIXEL,                 // normal noise, each number for itself
    NN_ERASE_CONST,                 // 0: the mean colour
    NN_ERASE_RAND                   // one normal number a channel
} nn_erase_mode;

vkc_status  nn_erase_mode_get(const char *name, nn_erase_mode *out);    // "pixel", "const", "rand"; else E_ARG

typedef struct nn_erase {           // zero = none
    double        probability;      // 0 .. 1
    nn_erase_mode mode;
    uint32_t      count;            // boxes: 1 .. count of them, whose areas are shared out; 0 counts as 1
} nn_erase;

// Boxes of 2 % to a third of the area, sides 0.3 to 3.3 to 1, log-uniform, smaller than the picture both ways: the
// first of ten draws that is. pixels are (channels, height, width).
void nn_erase_write(const nn_erase *e, nn_draws *d, uint32_t channels, nn_size size, float *pixels);

#ifdef __cplusplus
}
#endif
#endif
