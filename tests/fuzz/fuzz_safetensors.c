// fuzz_safetensors.c — libFuzzer target: any bytes are a safetensors file; whatever is accepted must be readable.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "nn/checkpoint/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nn_safetensors *f = NULL;
    if (nn_safetensors_read("fuzz", data, size, &f) != VKC_OK)
        return 0;
    if (nn_safetensors_memory(f) > NN_ST_MAX_COST * size + 4096)
        abort();
    for (size_t i = 0; i < nn_safetensors_len(f); i++) {
        const nn_st_tensor *t = nn_safetensors_at(f, i);
        if (nn_safetensors_get(f, t->name) != t || t->begin > size || t->size > size - t->begin)
            abort();
        unsigned char *raw = malloc((size_t) t->size + 1);
        float *x = malloc((size_t) t->len * sizeof *x + 1);
        if (raw != NULL && nn_st_tensor_read_raw(t, 0, (size_t) t->size, raw) != VKC_OK)
            abort();
        if (x != NULL && nn_st_tensor_read(t, 0, (size_t) t->len, x) == VKC_OK)
            for (uint64_t k = 0; k < t->len; k++)
                if (x[k] == 123.456f)       // reads every value
                    break;
        free(raw);
        free(x);
    }
    nn_safetensors_meta(f, "format");
    nn_safetensors_destroy(f);
    return 0;
}
