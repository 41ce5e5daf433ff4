// weights.c — the safetensors files of a model folder as one set of tensors.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nn/checkpoint/weights_impl.h"

static bool is_there(const char *path)
{
    struct stat sb;
    return stat(path, &sb) == 0;
}

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

static vkc_status load_one(nn_weights *w)
{
    vkc_status st = nn_safetensors_load(w->path, &w->file[0]);
    w->n_files = st == VKC_OK;
    return st;
}

static vkc_status load_files(nn_weights *w, const char *folder)
{
    vkc_status st;
    VKC_TRY(nn_path_build(w->path, folder, "model.safetensors"));
    if (is_there(w->path))
        return load_one(w);
    VKC_TRY(nn_path_build(w->path, folder, "model.safetensors.index.json"));
    if (is_there(w->path))
        return nn__weights_read_index(w, folder);
    VKC_TRY(nn_path_build(w->path, folder, "open_clip_model.safetensors"));
    if (is_there(w->path))
        return load_one(w);
    st = nn__weights_refuse(folder);
done:
    return st;
}

vkc_status nn_weights_load(const char *folder, nn_weights **out)
{
    vkc_status st;
    nn_weights *w = calloc(1, sizeof *w);
    if (w == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the weights of %s", folder);
    VKC_TRY(load_files(w, folder));
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
