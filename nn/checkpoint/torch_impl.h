// torch_impl.h — what the files of the PyTorch reader share: the dict that is chosen, and where storages lie.
#ifndef NN_TORCH_IMPL_H
#define NN_TORCH_IMPL_H

#include "nn/checkpoint/pickle.h"
#include "nn/checkpoint/safetensors_impl.h"
#include "nn/checkpoint/torch_file.h"

typedef struct nn_torch_choice {
    const nn_pk_value *dict;
    char key[256], others[256], ignored[512], arch[128];    // as in nn_torch_notes
} nn_torch_choice;

// Where the numbers of a storage lie.
typedef struct nn_torch_places {
    void *user;
    // Its first byte in the file and how many it has there; E_FORMAT when it is not there.
    vkc_status (*find)(void *user, const char *key, uint64_t *begin, uint64_t *size);
} nn_torch_places;

vkc_status nn__torch_choose(const char *where, const nn_pk_value *root, const char *key, nn_torch_choice *out);
// Fills the table, names and notes of a file.
vkc_status nn__torch_tabulate(nn_safetensors *f, const nn_torch_choice *c, const nn_torch_places *places);
// The type that a storage's or a tensor's type names: "torch.FloatStorage", "torch.float32". False: none there is;
// *is_untyped: one of bytes, and the tensor says the type.
bool       nn__torch_dtype(const nn_pk_value *type, nn_st_dtype *out, bool *is_untyped);

#endif
