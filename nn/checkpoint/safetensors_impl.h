// safetensors_impl.h — what readers share: the open file with its table of tensors; reading a safetensors header.
#ifndef NN_SAFETENSORS_IMPL_H
#define NN_SAFETENSORS_IMPL_H

#include <stdbool.h>

#include "nn/checkpoint/safetensors.h"
#include "nn/checkpoint/torch_file.h"
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
    uint64_t      *strides;         // of tensors that are not packed
    nn_torch_notes *notes;          // of a file of PyTorch; its strings are in header
};

// An open source of a file, or of a copy of memory, of which nothing is read yet.
vkc_status nn__st_open(const char *path, nn_safetensors **out);
vkc_status nn__st_copy(const char *where, const void *data, size_t size, nn_safetensors **out);
// Fills header, tensors and meta of an open source.
vkc_status nn__st_read_header(nn_safetensors *f);
// Copies `len` elements of `one` byte or more from `first` on, row-major, of a tensor with strides.
vkc_status nn__st_gather(const nn_st_tensor *t, size_t one, uint64_t first, size_t len, unsigned char *out);

#endif
