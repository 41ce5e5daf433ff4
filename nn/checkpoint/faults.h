// faults.h — values of weights that are NaN or infinite, counted while they are read.
//
// Thread-safety: safe on different counts.
#ifndef NN_FAULTS_H
#define NN_FAULTS_H

#include <stdbool.h>

#include "nn/checkpoint/safetensors.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_FAULTS_SHOWN 10

// Zeroed: none.
typedef struct nn_faults {
    uint64_t values;                // NaN and infinity; values of 64 bits beyond fp32's range are infinite too
    uint32_t tensors;               // that have some
    struct {                        // the first of these, in the order in which they were read
        char     name[NN_ST_MAX_NAME + 1];
        uint64_t values, first;     // how many, and the first one's index, row-major
        bool     is_nan;            // the first one
    } shown[NN_FAULTS_SHOWN];
    char     last[NN_ST_MAX_NAME + 1];      // the newest tensor with some
} nn_faults;

// Look through n values, which are elements `first` on of a tensor. A tensor is read from front to back, one after the
// other.
void nn_faults_scan(nn_faults *f, const nn_st_tensor *t, uint64_t first, const float *x, size_t n);
// E_FORMAT, with how many there are, the first tensor and the index in it, when there are any.
vkc_status nn_faults_check(const nn_faults *f, const char *path);

#ifdef __cplusplus
}
#endif
#endif
