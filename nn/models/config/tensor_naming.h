// tensor_naming.h — how one set of files names its tensors: what all names begin with, blocks in chunks.
//
// Thread-safety: safe.
#ifndef NN_TENSOR_NAMING_H
#define NN_TENSOR_NAMING_H

#include "nn/checkpoint/weights.h"
#include "nn/models/config/model_config.h"
#include "nn/models/config/model_names.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_naming {
    size_t skip;                    // bytes that all names begin with and that are taken off; 0 = none
} nn_naming;

// What all names begin with, up to a dot, where without it every name is one that is known (model_names.h, or a
// parameter of `own`, which may be NULL), and with it some are not. The shortest such. Said in a note, as chunks of
// blocks are, unless `c` is NULL.
nn_naming nn_naming_find(const nn_weights *w, const nn_params *own, nn_model_config *c);

#ifdef __cplusplus
}
#endif
#endif
