// fuzz_pickle.c — libFuzzer target: the bytes are a checkpoint of PyTorch (a zip archive, or pickles with numbers
// behind them), and the pickle of one whose archive is right. Whatever is accepted has tensors that can be read.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nn/checkpoint/torch_file.h"
#include "tests/nn/checkpoint/torch_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const nn_safetensors *f)
{
    for (size_t i = 0; i < nn_safetensors_len(f); i++) {
        const nn_st_tensor *t = nn_safetensors_at(f, i);
        const size_t one = nn_st_dtype_size(t->dtype);
        unsigned char raw[4096];
        const uint64_t piece = sizeof raw / one;
        if (nn_safetensors_get(f, t->name) != t)
            abort();
        for (uint64_t at = 0; at < t->len && at < 4 * piece; at += piece) {
            const uint64_t n = t->len - at < piece ? t->len - at : piece;
            if (nn_st_tensor_read_raw(t, at * one, (size_t) n * one, raw) != VKC_OK)
                abort();
        }
    }
}

static void try(const void *data, size_t size, const char *key)
{
    nn_safetensors *f = NULL;
    if (nn_torch_read("m", data, size, key, &f) == VKC_OK) {
        if (nn_torch_get_notes(f) == NULL || nn_safetensors_memory(f) > 1024 * size + 4096)
            abort();
        read_all(f);
    } else if (strncmp(vkc_last_error(), "m: ", 3) != 0) {
        abort();
    }
    nn_safetensors_destroy(f);
}

// An archive with this pickle and storages of 4 KiB by the keys 0 to 9.
static unsigned char *wrap(const void *pickle, size_t size, size_t *wrapped)
{
    static unsigned char numbers[4096];
    static const char *const names[] = { "a/data/0", "a/data/1", "a/data/2", "a/data/3", "a/data/4", "a/data/5",
                                         "a/data/6", "a/data/7", "a/data/8", "a/data/9" };
    torch_entry e[11] = { { "a/data.pkl", pickle, size } };
    for (size_t i = 0; i < 10; i++)
        e[i + 1] = (torch_entry) { names[i], numbers, sizeof numbers };
    return torch_zip(e, 11, wrapped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t wrapped;
    unsigned char *file = wrap(data, size, &wrapped);
    try(data, size, NULL);
    try(data, size, "model");
    try(file, wrapped, NULL);
    free(file);
    return 0;
}
