// torch_file.h — checkpoints that torch.save wrote, as a file of named tensors like any other (safetensors.h).
//
// Read are its zip files (PyTorch 1.6 and later), and the files before them: a pickle (pickle.h) that says what there
// is, and the numbers beside or behind it. Nothing in a file is run: a pickle's tensors, dicts and plain values are
// data, and objects of all other classes are passed over, or refused by name where a tensor is wanted.
// Which of a file's dicts is read: the entry `key`, or when that is NULL the first there is of a list of names, an
// average of the weights before the weights themselves and a teacher before its student; in it, if it holds no tensors
// itself, likewise. A file may be a state dict itself.
// Tensors that are not packed (transposed, cut out of others) are read right, with shared storages too.
// Refused in words: TorchScript, whole modules, numbers in big-endian order, compressed entries, pickles that
// torch.save did not write, tensors that are not within their storage or have more elements than it, types that are not
// in safetensors.h, one name twice.
// Memory: while it is read, that of the pickle and of the zip file's table; then names and a table of the tensors.
// Thread-safety: a file once loaded is read-only and may be shared.
// Errors: E_IO, E_FORMAT (with the file and the tensor, the entry or the byte), E_NOMEM.
#ifndef NN_TORCH_FILE_H
#define NN_TORCH_FILE_H

#include <stdbool.h>

#include "nn/base/source.h"
#include "nn/checkpoint/safetensors.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_torch_notes {     // "" = none
    const char *key;                // of the dict that was read: "state_dict", "ema.module"; "" = the file itself
    const char *others;             // more entries with tensors: "student, optimizer"
    const char *ignored;            // objects of other classes beside them: "args (argparse.Namespace)"
    const char *arch;               // an architecture's name that the file says
} nn_torch_notes;

// Do the first bytes of an open file look like what torch.save wrote: a zip file or a pickle? E_IO.
vkc_status nn_torch_is(const nn_source *src, bool *out);
// Open a file and read what it says. What it returns lives until nn_safetensors_destroy.
vkc_status nn_torch_load(const char *path, const char *key, nn_safetensors **out);
// The same from memory, which is copied; `where` stands for the path in messages.
vkc_status nn_torch_read(const char *where, const void *data, size_t size, const char *key, nn_safetensors **out);
const nn_torch_notes *nn_torch_get_notes(const nn_safetensors *f);     // NULL: of a safetensors file

#ifdef __cplusplus
}
#endif
#endif
