// safetensors.c — the reader: open files and their tensors by name. safetensors_header.c reads the header,
// safetensors_tensor.c a tensor; safetensors_save.c is the writer.
#include <stdlib.h>
#include <string.h>

#include "nn/checkpoint/safetensors_impl.h"

typedef unsigned long long ull;

// Zeroed but for its path and a source that is not open.
static vkc_status create(const char *where, nn_safetensors **out)
{
    nn_safetensors *f = calloc(1, sizeof *f);
    if (f != NULL)
        f->path = malloc(strlen(where) + 1);
    if (f == NULL || f->path == NULL) {
        free(f);
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the tensors of %s", where);
    }
    memcpy(f->path, where, strlen(where) + 1);
    f->src.fd = -1;
    *out = f;
    return VKC_OK;
}

vkc_status nn__st_open(const char *path, nn_safetensors **out)
{
    nn_safetensors *f = NULL;
    vkc_status st;
    VKC_TRY(create(path, &f));
    VKC_TRY(nn_source_open(f->path, &f->src));
    *out = f, f = NULL;
done:
    nn_safetensors_destroy(f);
    return st;
}

vkc_status nn__st_copy(const char *where, const void *data, size_t size, nn_safetensors **out)
{
    nn_safetensors *f = NULL;
    vkc_status st;
    VKC_TRY(create(where, &f));
    f->copy = malloc(size + 1);
    if (f->copy == NULL) {
        st = VKC_FAIL(VKC_E_NOMEM, "no memory for the %zu bytes of %s", size, where);
        goto done;
    }
    if (size > 0)
        memcpy(f->copy, data, size);
    f->src = nn_source_of(f->path, f->copy, size);
    *out = f, f = NULL;
done:
    nn_safetensors_destroy(f);
    return st;
}

vkc_status nn_safetensors_load(const char *path, nn_safetensors **out)
{
    nn_safetensors *f = NULL;
    vkc_status st;
    VKC_TRY(nn__st_open(path, &f));
    VKC_TRY(nn__st_read_header(f));
    *out = f, f = NULL;
done:
    nn_safetensors_destroy(f);
    return st;
}

vkc_status nn_safetensors_read(const char *where, const void *data, size_t size, nn_safetensors **out)
{
    nn_safetensors *f = NULL;
    vkc_status st;
    VKC_TRY(nn__st_copy(where, data, size, &f));
    VKC_TRY(nn__st_read_header(f));
    *out = f, f = NULL;
done:
    nn_safetensors_destroy(f);
    return st;
}

void nn_safetensors_destroy(nn_safetensors *f)
{
    if (f == NULL)
        return;
    nn_source_close(&f->src);
    free(f->copy);
    free(f->header);
    free(f->tensors);
    free(f->meta);
    free(f->strides);
    free(f->notes);
    free(f->path);
    free(f);
}

const char *nn_safetensors_path(const nn_safetensors *f)
{
    return f->path;
}

size_t nn_safetensors_len(const nn_safetensors *f)
{
    return f->n;
}

size_t nn_safetensors_memory(const nn_safetensors *f)
{
    return sizeof *f + f->header_len + f->cap * sizeof *f->tensors + f->cap_meta * sizeof *f->meta +
           (f->strides != NULL ? f->cap * NN_ST_MAX_RANK * sizeof *f->strides + sizeof *f->notes : 0) +
           (f->copy != NULL ? (size_t) f->src.size : 0);
}

const nn_st_tensor *nn_safetensors_at(const nn_safetensors *f, size_t i)
{
    return i < f->n ? &f->tensors[i] : NULL;
}

static int is_of_name(const void *name, const void *tensor)
{
    return strcmp(name, ((const nn_st_tensor *) tensor)->name);
}

const nn_st_tensor *nn_safetensors_get(const nn_safetensors *f, const char *name)
{
    return f->n > 0 ? bsearch(name, f->tensors, f->n, sizeof *f->tensors, is_of_name) : NULL;
}

static int is_of_key(const void *key, const void *meta)
{
    return strcmp(key, ((const nn_st_meta *) meta)->key);
}

const char *nn_safetensors_meta(const nn_safetensors *f, const char *key)
{
    const nn_st_meta *m = f->n_meta > 0 ? bsearch(key, f->meta, f->n_meta, sizeof *m, is_of_key) : NULL;
    return m != NULL ? m->value : NULL;
}

vkc_status nn_safetensors_get_f32(const nn_safetensors *f, const char *name, uint32_t rank,
                                  const uint64_t *dim, float *out, size_t len)
{
    const nn_st_tensor *t = nn_safetensors_get(f, name);
    if (t == NULL)
        return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s is missing", f->path, name);
    vkc_status st = nn_st_tensor_check(t, dim != NULL ? rank : t->rank, dim != NULL ? dim : t->shape);
    if (st == VKC_OK && t->len != len)
        st = NN_ST_FAIL(VKC_E_FORMAT, t, "has %llu elements, want %zu", (ull) t->len, len);
    return st == VKC_OK ? nn_st_tensor_read(t, 0, len, out) : st;
}
