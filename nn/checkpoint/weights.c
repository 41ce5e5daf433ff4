// weights.c — the files of a model's weights as one set of tensors.
#include <stdlib.h>
#include <string.h>

#include "nn/checkpoint/weights_impl.h"

static int by_name(const void *a, const void *b)
{
    const nn_st_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static vkc_status list_tensors(nn_weights *w)
{
    size_t n = 0;
    for (uint32_t i = 0; i < w->n_files; i++)
        n += nn_safetensors_len(w->file[i]);
    w->tensors = malloc((n + 1) * sizeof *w->tensors);
    if (w->tensors == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the tensors of %s", w->path);
    for (uint32_t i = 0; i < w->n_files; i++)
        for (size_t k = 0; k < nn_safetensors_len(w->file[i]); k++)
            w->tensors[w->n++] = nn_safetensors_at(w->file[i], k);
    qsort(w->tensors, w->n, sizeof *w->tensors, by_name);
    return VKC_OK;
}

static vkc_status load_one(nn_weights *w, const char *key)
{
    vkc_status st = nn__weights_open(w->path, key, &w->file[0]);
    w->n_files = st == VKC_OK;
    return st;
}

static vkc_status load_index(nn_weights *w, const nn_weights_place *p)
{
    if (p->has_key)
        return VKC_FAIL(VKC_E_ARG, "%s: names shards, which have no entries of which %s could be one", w->path, p->key);
    return nn__weights_read_index(w, p->folder);
}

static vkc_status load_files(nn_weights *w, const nn_weights_place *p)
{
    static const struct { const char *name; bool is_index; } known[] = {
        { "model.safetensors", false },         { "model.safetensors.index.json", true },
        { "open_clip_model.safetensors", false },
        { "pytorch_model.bin", false },         { "pytorch_model.bin.index.json", true },
        { "open_clip_pytorch_model.bin", false }, { "model.pth", false }, { "checkpoint.pth", false },
    };
    const char *key = p->has_key ? p->key : NULL;
    vkc_status st;
    if (*p->file) {
        memcpy(w->path, p->file, strlen(p->file) + 1);
        return load_one(w, key);
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        VKC_TRY(nn_path_build(w->path, p->folder, known[i].name));
        if (nn__weights_is_there(w->path))
            return known[i].is_index ? load_index(w, p) : load_one(w, key);
    }
    VKC_TRY(nn__weights_find_file(p->folder, w->path));
    st = *w->path ? load_one(w, key) : nn__weights_refuse(p->folder);
done:
    return st;
}

vkc_status nn_weights_load(const char *model, nn_weights **out)
{
    vkc_status st;
    nn_weights_place p;
    nn_weights *w = calloc(1, sizeof *w);
    if (w == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the weights of %s", model);
    VKC_TRY(nn_weights_find(model, &p));
    VKC_TRY(load_files(w, &p));
    VKC_TRY(list_tensors(w));
    *out = w, w = NULL;
done:
    nn_weights_destroy(w);
    return st;
}

void nn_weights_destroy(nn_weights *w)
{
    if (w == NULL)
        return;
    for (uint32_t i = 0; i < w->n_files; i++)
        nn_safetensors_destroy(w->file[i]);
    free(w->tensors);
    free(w);
}

const char *nn_weights_path(const nn_weights *w)
{
    return w->path;
}

size_t nn_weights_len(const nn_weights *w)
{
    return w->n;
}

const nn_st_tensor *nn_weights_at(const nn_weights *w, size_t i)
{
    return i < w->n ? w->tensors[i] : NULL;
}

static int is_of_name(const void *name, const void *tensor)
{
    return strcmp(name, (*(const nn_st_tensor *const *) tensor)->name);
}

const nn_st_tensor *nn_weights_get(const nn_weights *w, const char *name)
{
    const nn_st_tensor **found = bsearch(name, w->tensors, w->n, sizeof *w->tensors, is_of_name);
    return found != NULL ? *found : NULL;
}

uint32_t nn_weights_n_files(const nn_weights *w)
{
    return w->n_files;
}

const nn_safetensors *nn_weights_file(const nn_weights *w, uint32_t i)
{
    return i < w->n_files ? w->file[i] : NULL;
}

const nn_torch_notes *nn_weights_notes(const nn_weights *w)
{
    return w->n_files > 0 ? nn_torch_get_notes(w->file[0]) : NULL;
}

size_t nn_weights_memory(const nn_weights *w)
{
    size_t sum = sizeof *w + (w->n + 1) * sizeof *w->tensors + NN_WEIGHTS_PIECE;
    for (uint32_t i = 0; i < w->n_files; i++)
        sum += nn_safetensors_memory(w->file[i]);
    return sum;
}

vkc_status nn_weights_upload(vkc_device *dev, const nn_st_tensor *t, uint64_t first, vkc_slice dst, nn_faults *faults)
{
    const size_t piece = dst.size < NN_WEIGHTS_PIECE ? dst.size : NN_WEIGHTS_PIECE;
    vkc_status st = VKC_OK;
    float *x = malloc(piece + 1);
    if (x == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to load tensor %s", t->name);
    for (size_t at = 0; at < dst.size && st == VKC_OK; at += piece) {
        const size_t size = dst.size - at < piece ? dst.size - at : piece;
        st = nn_st_tensor_read(t, first + at / sizeof *x, size / sizeof *x, x);
        if (st == VKC_OK && faults)
            nn_faults_scan(faults, t, first + at / sizeof *x, x, size / sizeof *x);
        if (st == VKC_OK)
            st = vkc_write(dev, (vkc_slice) { dst.buf, dst.offset + at, size }, x);
    }
    free(x);
    return st;
}
