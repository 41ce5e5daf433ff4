// weights_impl.h — the set of files, and how it is found in a folder.
#ifndef NN_WEIGHTS_IMPL_H
#define NN_WEIGHTS_IMPL_H

#include "nn/base/files.h"
#include "nn/checkpoint/weights.h"

struct nn_weights {
    char            path[NN_PATH_MAX];
    nn_safetensors *file[NN_WEIGHTS_MAX_FILES];
    uint32_t        n_files;
    const nn_st_tensor **tensors;   // by name; they belong to their files
    size_t          n;
};

// Opens the shards that the index at w->path, in `folder`, names, and checks both against each other.
vkc_status nn__weights_read_index(nn_weights *w, const char *folder);
// The sentence for a folder without safetensors files: what is there instead, and how to convert it.
vkc_status nn__weights_refuse(const char *folder);

#endif
