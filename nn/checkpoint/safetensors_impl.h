// safetensors_impl.h — what the reader's files share: the open file, and reading its header.
#ifndef NN_SAFETENSORS_IMPL_H
#define NN_SAFETENSORS_IMPL_H

#include <stdbool.h>

#include "nn/checkpoint/safetensors.h"
#include "nn/base/source.h"

struct nn_safetensors {
    char          *path;
    nn_source      src;
    unsigned char *copy;            // what src reads, when that is memory
    char          *header;          // owns names and metadata
    size_t         header_len;
    uint64_t       data;            // byte of the file after the header
    nn_st_tensor  *tensors;         // by name
    size_t         n, cap;
    nn_st_meta    *meta;            // by key
    size_t         n_meta, cap_meta;
    bool           has_meta;
};

// Fills header, tensors and meta of an open source.
vkc_status nn__st_read_header(nn_safetensors *f);

#endif
