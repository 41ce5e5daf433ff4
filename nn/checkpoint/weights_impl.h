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

bool       nn__weights_is_there(const char *path);      // anything of that name
// One file by what it holds; key == NULL: none was named.
vkc_status nn__weights_open(const char *path, const char *key, nn_safetensors **out);
// Opens the shards that the index at w->path, in `folder`, names, and checks both against each other.
vkc_status nn__weights_read_index(nn_weights *w, const char *folder);
// Sets `path` to the only file of a folder that is called as PyTorch's checkpoints are; "": there is none. E_FORMAT:
// there are several.
vkc_status nn__weights_find_file(const char *folder, char path[NN_PATH_MAX]);
// `python3 -c "PROGRAM" 'FOLDER/model.safetensors' 'FOLDER/FILE'` of a file's path.
#define NN_MAX_LINE 3000
void       nn__convert_line(const char *program, const char *path, char *out, size_t size);
// The sentence for a folder without files that are read: what is there instead, and how to convert it.
vkc_status nn__weights_refuse(const char *folder);

#endif
