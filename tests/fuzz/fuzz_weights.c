// fuzz_weights.c — libFuzzer target: the bytes are model.safetensors.index.json, in a folder with two shards: a has
// tensors x and y, b has z. Whatever is accepted names just these, and can be read.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nn/checkpoint/weights.h"
#include "tests/fuzz/fuzz_folder.h"
#include "tests/nn/checkpoint/st_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_shard(const char *folder, const char *name, const char *header, size_t data_size)
{
    size_t size;
    unsigned char *bytes = st_bytes(header, data_size, &size);
    write_plainly(folder, name, bytes, size);
    free(bytes);
}

static void make_folder(char *folder)
{
    if (mkdtemp(folder) == NULL)
        abort();
    write_shard(folder, "a.safetensors", "{" T("x", "F32", "[2]", "[0,8]") "," T("y", "U8", "[1]", "[8,9]") "}", 9);
    write_shard(folder, "b.safetensors", "{" T("z", "F16", "[2]", "[0,4]") "}", 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char folder[] = "/dev/shm/pare-fuzz-XXXXXX";
    static int is_made;
    nn_weights *w = NULL;
    if (!is_made)
        make_folder(folder);
    is_made = 1;
    write_plainly(folder, "model.safetensors.index.json", data, size);
    if (nn_weights_load(folder, &w) != VKC_OK) {
        if (strstr(vkc_last_error(), folder) == NULL)
            abort();
        return 0;
    }
    if (nn_weights_len(w) < 1 || nn_weights_len(w) > 3 || nn_weights_n_files(w) > 2)
        abort();
    for (size_t i = 0; i < nn_weights_len(w); i++) {
        const nn_st_tensor *t = nn_weights_at(w, i);
        unsigned char raw[8];
        if (nn_weights_get(w, t->name) != t || nn_st_tensor_read_raw(t, 0, (size_t) t->size, raw) != VKC_OK)
            abort();
    }
    nn_weights_destroy(w);
    return 0;
}
