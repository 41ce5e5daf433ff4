// safetensors_save.c — the writer: header, padding, tensors in the order given.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/files.h"
#include "nn/base/json.h"
#include "nn/checkpoint/safetensors.h"

#define CHUNK ((size_t) 1 << 20)

static vkc_status get_size(const nn_st_save *t, uint64_t *out)
{
    uint64_t size = nn_st_dtype_size(t->dtype);
    for (uint32_t i = 0; i < t->rank; i++) {
        if (t->shape[i] != 0 && size > (uint64_t) INT64_MAX / t->shape[i])
            return VKC_FAIL(VKC_E_ARG, "the shape of tensor %s overflows", t->name);
        size *= t->shape[i];
    }
    *out = size;
    return VKC_OK;
}

static vkc_status add_tensor(const char *path, json_t *header, const nn_st_save *t, uint64_t *at)
{
    uint64_t size = 0;
    if (t->name == NULL || t->name[0] == '\0' || strlen(t->name) > NN_ST_MAX_NAME ||
        strcmp(t->name, "__metadata__") == 0 || !nn_is_printable(t->name) || !nn_is_utf8(t->name))
        return VKC_FAIL(VKC_E_ARG, "%s: a tensor without a proper name", path);
    if (json_object_get(header, t->name) != NULL)
        return VKC_FAIL(VKC_E_ARG, "%s: tensor %s is given twice", path, t->name);
    if (t->rank > NN_ST_MAX_RANK || t->dtype >= NN_ST_N_DTYPES)
        return VKC_FAIL(VKC_E_ARG, "%s: tensor %s has no proper rank or dtype", path, t->name);
    vkc_status st = get_size(t, &size);
    if (st != VKC_OK)
        return st;
    if (size > (uint64_t) INT64_MAX - *at)
        return VKC_FAIL(VKC_E_ARG, "%s: the tensors are too large", path);
    json_t *shape = json_array();
    for (uint32_t i = 0; i < t->rank; i++)
        nn_json_append_new(shape, json_integer((json_int_t) t->shape[i]));
    json_t *entry = json_pack("{s:s, s:o, s:[I, I]}", "dtype", nn_st_dtype_name(t->dtype), "shape", shape,
                              "data_offsets", (json_int_t) *at, (json_int_t) (*at + size));
    if (json_object_set_new(header, t->name, entry) != 0)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the header of %s", path);
    *at += size;
    return VKC_OK;
}

static vkc_status build_header(const char *path, const nn_st_save *tensors, size_t n, const nn_st_meta *meta,
                               size_t n_meta, char **out)
{
    vkc_status st = VKC_OK;
    uint64_t at = 0;
    json_t *header = json_object(), *map = json_object();
    nn_json_set_new(header, "__metadata__", map);
    int failed = json_object_set_new(map, "format", json_string("pt"));
    for (size_t i = 0; i < n_meta; i++) {
        if (!nn_is_utf8(meta[i].key) || !nn_is_utf8(meta[i].value)) {
            st = VKC_FAIL(VKC_E_ARG, "%s: metadata is not UTF-8", path);
            goto done;
        }
        failed |= json_object_set_new(map, meta[i].key, json_string(meta[i].value));
    }
    if (failed != 0) {
        st = VKC_FAIL(VKC_E_NOMEM, "no memory for the header of %s", path);
        goto done;
    }
    if (n > NN_ST_MAX_TENSORS) {
        st = VKC_FAIL(VKC_E_ARG, "%s: more than %d tensors", path, NN_ST_MAX_TENSORS);
        goto done;
    }
    for (size_t i = 0; i < n; i++)
        VKC_TRY(add_tensor(path, header, &tensors[i], &at));
    *out = nn_json_print(header, JSON_COMPACT);
    if (*out == NULL)
        st = VKC_FAIL(VKC_E_NOMEM, "no memory for the header of %s", path);
done:
    json_decref(header);
    return st;
}

static vkc_status write_header(nn_saver *s, const char *text)
{
    unsigned char first[8];
    size_t len = strlen(text), padded = (len + 7) / 8 * 8;
    for (int i = 0; i < 8; i++)
        first[i] = (unsigned char) ((uint64_t) padded >> 8 * i);
    vkc_status st;
    VKC_TRY(nn_saver_write(s, first, sizeof first));
    VKC_TRY(nn_saver_write(s, text, len));
    VKC_TRY(nn_saver_write(s, "       ", padded - len));
done:
    return st;
}

static vkc_status write_tensor(nn_saver *s, const nn_st_save *t, unsigned char *chunk)
{
    uint64_t size = 0;
    vkc_status st = get_size(t, &size);
    if (st != VKC_OK)
        return st;
    if (t->data != NULL)
        return nn_saver_write(s, t->data, (size_t) size);
    for (uint64_t at = 0; at < size;) {
        size_t n = size - at < CHUNK ? (size_t) (size - at) : CHUNK;
        VKC_TRY(t->read(t->user, at, chunk, n));
        VKC_TRY(nn_saver_write(s, chunk, n));
        at += n;
    }
done:
    return st;
}

vkc_status nn_safetensors_save(const char *path, const nn_st_save *tensors, size_t n, const nn_st_meta *meta,
                               size_t n_meta)
{
    vkc_status st;
    nn_saver *s = NULL;
    char *header = NULL;
    unsigned char *chunk = malloc(CHUNK);
    if (chunk == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory to write %s", path);
    VKC_TRY(build_header(path, tensors, n, meta, n_meta, &header));
    VKC_TRY(nn_saver_create(path, &s));
    VKC_TRY(write_header(s, header));
    for (size_t i = 0; i < n; i++)
        VKC_TRY(write_tensor(s, &tensors[i], chunk));
    VKC_TRY(nn_saver_submit(s));
done:
    nn_saver_destroy(s);
    free(header);
    free(chunk);
    return st;
}
