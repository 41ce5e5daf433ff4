// weights.h — the weights of a model: one file or several, seen as one set of named tensors.
//
// A model is a folder or a file, and behind a # the entry of a checkpoint (torch_file.h): M, M/last.pth,
// M/last.pth#teacher. A file says the weights; all else is looked for in its folder.
// In a folder these are looked for, in this order: model.safetensors; model.safetensors.index.json with the shards it
// names beside it; open_clip_model.safetensors; pytorch_model.bin; pytorch_model.bin.index.json and its shards;
// open_clip_pytorch_model.bin; model.pth; checkpoint.pth; the only file that ends as PyTorch's do. What such a file is
// its bytes say, not its name. Files of other formats are never opened: a folder that has nothing else is refused with
// the line of Python that converts them.
// An index is trusted as little as a file: it names files of its own folder alone, every tensor it names is in the
// shard it says, and every tensor of a shard is named, once.
// Memory: headers and tables (safetensors.h), and NN_WEIGHTS_PIECE bytes while a tensor is uploaded.
// Thread-safety: a set once loaded is read-only and may be shared.
// Errors: E_IO, E_FORMAT (with the file, the tensor where there is one, and the byte), E_NOMEM.
#ifndef NN_WEIGHTS_H
#define NN_WEIGHTS_H

#include <stdbool.h>

#include "nn/checkpoint/faults.h"
#include "nn/checkpoint/safetensors.h"
#include "nn/checkpoint/torch_file.h"
#include "vk/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_WEIGHTS_MAX_FILES 128
#define NN_WEIGHTS_PIECE ((size_t) 1 << 20)

typedef struct nn_weights nn_weights;

#define NN_WEIGHTS_MAX_PLACE 4096
#define NN_WEIGHTS_MAX_KEY 256

typedef struct nn_weights_place {
    char folder[NN_WEIGHTS_MAX_PLACE];      // where the model's other files are
    char file[NN_WEIGHTS_MAX_PLACE];        // the file that was named; "" = a folder was
    char key[NN_WEIGHTS_MAX_KEY];
    bool has_key, is_there;
} nn_weights_place;

// E_ARG: too long a name.
vkc_status nn_weights_find(const char *model, nn_weights_place *out);
vkc_status nn_weights_get_folder(const char *model, char folder[NN_WEIGHTS_MAX_PLACE]);

vkc_status nn_weights_load(const char *model, nn_weights **out);
void       nn_weights_destroy(nn_weights *w);

const char         *nn_weights_path(const nn_weights *w);               // of the file, or of the index
size_t              nn_weights_len(const nn_weights *w);                // tensors of all files
const nn_st_tensor *nn_weights_at(const nn_weights *w, size_t i);       // in order of their names
const nn_st_tensor *nn_weights_get(const nn_weights *w, const char *name);      // NULL: none
uint32_t            nn_weights_n_files(const nn_weights *w);
const nn_safetensors *nn_weights_file(const nn_weights *w, uint32_t i);
const nn_torch_notes *nn_weights_notes(const nn_weights *w);            // of its first file; NULL: safetensors
size_t              nn_weights_memory(const nn_weights *w);     // bytes of the host's memory to hold and upload it

// Write elements `first` on of a tensor of floats to a slice as float32, as many as the slice has room for, piece by
// piece. Blocking. Values that are not finite are counted in `faults`, unless that is NULL, and written like others.
// E_ARG when the tensor has fewer or is of no float type.
vkc_status nn_weights_upload(vkc_device *dev, const nn_st_tensor *t, uint64_t first, vkc_slice dst, nn_faults *faults);

#ifdef __cplusplus
}
#endif
#endif
