// safetensors.c — the strict reader. The writer is in safetensors_save.c.
#include "nn/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "nn/files.h"
#include "nn/json.h"

#define MAX_HEADER 100000000u       // the reference implementation's limit
#define MAX_VALUES (16u * NN_ST_MAX_TENSORS)

struct nn_safetensors {
    char          *path;
    unsigned char *bytes;           // the whole file
    json_t        *header;          // owns the names and the metadata
    nn_st_tensor  *tensors;         // by name
    size_t         n;
};

static const struct {
    const char *name;
    size_t size;
    int is_float;
} dtypes[NN_ST_N_DTYPES] = {
#define X(id, size, is_float) { #id, size, is_float },
    NN_ST_DTYPE_MAP(X)
#undef X
};

const char *nn_st_dtype_name(nn_st_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t nn_st_dtype_size(nn_st_dtype dtype)
{
    return dtypes[dtype].size;
}

static uint64_t get_u64(const unsigned char *p)
{
    uint64_t x = 0;
    for (int i = 7; i >= 0; i--)
        x = x << 8 | p[i];
    return x;
}

// A whole number from 0 on; no sign, no fraction (jansson keeps those as reals).
static int get_size(const json_t *v, uint64_t *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return 0;
    *out = (uint64_t) json_integer_value(v);
    return 1;
}

static vkc_status read_dtype(const char *path, const char *name, const json_t *v, nn_st_dtype *out)
{
    const char *text = json_string_value(v);
    for (int i = 0; text != NULL && i < NN_ST_N_DTYPES; i++) {
        if (strcmp(text, dtypes[i].name) == 0) {
            *out = (nn_st_dtype) i;
            return VKC_OK;
        }
    }
    return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s has an unknown dtype", path, name);
}

static vkc_status read_shape(const char *path, const json_t *v, nn_st_tensor *t)
{
    if (!json_is_array(v) || json_array_size(v) > NN_ST_MAX_RANK)
        return VKC_FAIL(VKC_E_FORMAT, "%s: the shape of tensor %s is not a list of at most %d sizes", path,
                        t->name, NN_ST_MAX_RANK);
    t->rank = (uint32_t) json_array_size(v);
    t->len = 1;
    for (uint32_t i = 0; i < t->rank; i++) {
        if (!get_size(json_array_get(v, i), &t->shape[i]))
            return VKC_FAIL(VKC_E_FORMAT, "%s: a dimension of tensor %s is not a whole number", path, t->name);
        if (t->shape[i] != 0 && t->len > UINT64_MAX / t->shape[i])
            return VKC_FAIL(VKC_E_FORMAT, "%s: the shape of tensor %s overflows", path, t->name);
        t->len *= t->shape[i];
    }
    return VKC_OK;
}

// One entry of the header; `room` bytes of data follow it.
static vkc_status read_tensor(const char *path, const char *name, const json_t *v,
                              const unsigned char *data, uint64_t room, nn_st_tensor *t)
{
    uint64_t begin, end;
    vkc_status st;
    if (strlen(name) == 0 || strlen(name) > NN_ST_MAX_NAME || !nn_is_printable(name))
        return VKC_FAIL(VKC_E_FORMAT, "%s: a tensor's name is empty, longer than %d bytes or has control characters",
                        path, NN_ST_MAX_NAME);
    t->name = name;
    const json_t *span = json_object_get(v, "data_offsets");
    if (!json_is_object(v) || json_object_size(v) != 3 || span == NULL)
        return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s has not just dtype, shape and data_offsets", path, name);
    VKC_TRY(read_dtype(path, name, json_object_get(v, "dtype"), &t->dtype));
    VKC_TRY(read_shape(path, json_object_get(v, "shape"), t));
    if (!json_is_array(span) || json_array_size(span) != 2 || !get_size(json_array_get(span, 0), &begin) ||
        !get_size(json_array_get(span, 1), &end))
        return VKC_FAIL(VKC_E_FORMAT, "%s: data_offsets of tensor %s are not two whole numbers", path, name);
    if (begin > end || end > room)
        return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s ends after the file or before it begins", path, name);
    if (t->len > UINT64_MAX / dtypes[t->dtype].size || t->len * dtypes[t->dtype].size != end - begin)
        return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s has %llu bytes, which is not its shape times %s", path, name,
                        (unsigned long long) (end - begin), dtypes[t->dtype].name);
    t->data = data + begin;
    t->size = (size_t) (end - begin);
done:
    return st;
}

static int by_place(const void *a, const void *b)
{
    const nn_st_tensor *x = a, *y = b;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return x->size < y->size ? -1 : x->size > y->size;      // empty ones first
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const nn_st_tensor *) a)->name, ((const nn_st_tensor *) b)->name);
}

static vkc_status check_cover(nn_safetensors *f, const unsigned char *data, size_t room)
{
    size_t at = 0;
    qsort(f->tensors, f->n, sizeof *f->tensors, by_place);
    for (size_t i = 0; i < f->n; i++) {
        const nn_st_tensor *t = &f->tensors[i];
        if (t->data != data + at)
            return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s %s", f->path, t->name,
                            t->data < data + at ? "overlaps another" : "comes after a gap");
        at += t->size;
    }
    if (at != room)
        return VKC_FAIL(VKC_E_FORMAT, "%s: %zu bytes after the last tensor belong to none", f->path, room - at);
    qsort(f->tensors, f->n, sizeof *f->tensors, by_name);
    return VKC_OK;
}

static vkc_status check_meta(const char *path, const json_t *meta)
{
    const char *key;
    json_t *v;
    if (meta != NULL && !json_is_object(meta))
        return VKC_FAIL(VKC_E_FORMAT, "%s: __metadata__ is not an object", path);
    json_object_foreach((json_t *) meta, key, v)
        if (!json_is_string(v))
            return VKC_FAIL(VKC_E_FORMAT, "%s: an entry of __metadata__ is not a string", path);
    return VKC_OK;
}

// Takes over f->bytes, `size` long.
static vkc_status read_header(nn_safetensors *f, size_t size)
{
    vkc_status st;
    const char *name;
    json_t *v;
    if (size < 8)
        return VKC_FAIL(VKC_E_FORMAT, "%s: too short to be a safetensors file", f->path);
    uint64_t len = get_u64(f->bytes);
    if (len > MAX_HEADER || len > size - 8)
        return VKC_FAIL(VKC_E_FORMAT, "%s: a header of %llu bytes does not fit; not a safetensors file, or cut off",
                        f->path, (unsigned long long) len);
    const char *text = (const char *) f->bytes + 8;
    if (len < 2 || text[0] != '{')
        return VKC_FAIL(VKC_E_FORMAT, "%s: the header does not begin with {", f->path);
    VKC_TRY(nn_json_read(f->path, text, (size_t) len, MAX_VALUES, &f->header));
    if (!json_is_object(f->header))
        return VKC_FAIL(VKC_E_FORMAT, "%s: the header is not an object", f->path);
    VKC_TRY(check_meta(f->path, json_object_get(f->header, "__metadata__")));
    if (json_object_size(f->header) > NN_ST_MAX_TENSORS)
        return VKC_FAIL(VKC_E_FORMAT, "%s: more than %d tensors", f->path, NN_ST_MAX_TENSORS);
    f->tensors = calloc(json_object_size(f->header) + 1, sizeof *f->tensors);
    if (f->tensors == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the tensors of %s", f->path);
    const unsigned char *data = f->bytes + 8 + len;
    size_t room = size - 8 - (size_t) len;
    json_object_foreach(f->header, name, v) {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        VKC_TRY(read_tensor(f->path, name, v, data, room, &f->tensors[f->n]));
        f->n++;
    }
    return check_cover(f, data, room);
done:
    return st;
}

// Takes over `bytes`, on failure too.
static vkc_status create(const char *where, unsigned char *bytes, size_t size, nn_safetensors **out)
{
    vkc_status st;
    nn_safetensors *f = calloc(1, sizeof *f);
    if (f != NULL)
        f->path = malloc(strlen(where) + 1);
    if (f == NULL || f->path == NULL) {
        free(f);
        free(bytes);
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the tensors of %s", where);
    }
    memcpy(f->path, where, strlen(where) + 1);
    f->bytes = bytes;
    VKC_TRY(read_header(f, size));
    *out = f, f = NULL;
done:
    nn_safetensors_destroy(f);
    return st;
}

vkc_status nn_safetensors_load(const char *path, nn_safetensors **out)
{
    unsigned char *bytes = NULL;
    size_t size = 0;
    vkc_status st = nn_file_load(path, SIZE_MAX, &bytes, &size);
    return st == VKC_OK ? create(path, bytes, size, out) : st;
}

vkc_status nn_safetensors_read(const char *where, const void *data, size_t size, nn_safetensors **out)
{
    unsigned char *bytes = malloc(size + 1);
    if (bytes == NULL)
        return VKC_FAIL(VKC_E_NOMEM, "no memory for the %zu bytes of %s", size, where);
    if (size > 0)
        memcpy(bytes, data, size);
    return create(where, bytes, size, out);
}

void nn_safetensors_destroy(nn_safetensors *f)
{
    if (f == NULL)
        return;
    json_decref(f->header);
    free(f->tensors);
    free(f->bytes);
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

const nn_st_tensor *nn_safetensors_at(const nn_safetensors *f, size_t i)
{
    return i < f->n ? &f->tensors[i] : NULL;
}

const nn_st_tensor *nn_safetensors_get(const nn_safetensors *f, const char *name)
{
    nn_st_tensor key = { .name = name };
    return bsearch(&key, f->tensors, f->n, sizeof key, by_name);
}

const char *nn_safetensors_meta(const nn_safetensors *f, const char *key)
{
    return json_string_value(json_object_get(json_object_get(f->header, "__metadata__"), key));
}

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float from_half(uint32_t h)
{
    uint32_t sign = (h & 0x8000u) << 16, exp = h >> 10 & 31, frac = h & 1023;
    if (exp == 31)
        return from_bits(sign | 0x7f800000u | frac << 13);
    if (exp > 0)
        return from_bits(sign | (exp + 112) << 23 | frac << 13);
    float x = (float) frac * (1.0f / 16777216.0f);      // subnormal: frac * 2^-24
    return sign != 0 ? -x : x;
}

static float from_double_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return (float) x;
}

vkc_status nn_st_tensor_read(const nn_st_tensor *t, uint64_t first, size_t len, float *out)
{
    if (first > t->len || len > t->len - first)
        return VKC_FAIL(VKC_E_ARG, "tensor %s has %llu elements, fewer than asked for", t->name,
                        (unsigned long long) t->len);
    if (!dtypes[t->dtype].is_float)
        return VKC_FAIL(VKC_E_ARG, "tensor %s is %s, not a float type that is read", t->name, dtypes[t->dtype].name);
    const unsigned char *p = t->data + (size_t) first * dtypes[t->dtype].size;
    for (size_t i = 0; i < len; i++) {
        if (t->dtype == NN_ST_F32)
            out[i] = from_bits((uint32_t) p[4 * i] | (uint32_t) p[4 * i + 1] << 8 |
                               (uint32_t) p[4 * i + 2] << 16 | (uint32_t) p[4 * i + 3] << 24);
        else if (t->dtype == NN_ST_F16)
            out[i] = from_half((uint32_t) p[2 * i] | (uint32_t) p[2 * i + 1] << 8);
        else if (t->dtype == NN_ST_BF16)
            out[i] = from_bits((uint32_t) p[2 * i] << 16 | (uint32_t) p[2 * i + 1] << 24);
        else
            out[i] = from_double_bits(get_u64(p + 8 * i));
    }
    return VKC_OK;
}

static void write_shape(char *out, size_t size, uint32_t rank, const uint64_t *dim)
{
    size_t at = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < rank && at < size; i++)
        at += (size_t) snprintf(out + at, size - at, "%s%llu", i > 0 ? ", " : "", (unsigned long long) dim[i]);
}

vkc_status nn_safetensors_get_f32(const nn_safetensors *f, const char *name, uint32_t rank,
                                  const uint64_t *dim, float *out, size_t len)
{
    const nn_st_tensor *t = nn_safetensors_get(f, name);
    if (t == NULL)
        return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s is missing", f->path, name);
    if (!dtypes[t->dtype].is_float)
        return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s is %s, want floats", f->path, name, dtypes[t->dtype].name);
    int is_same = t->len == len && (dim == NULL || t->rank == rank);
    for (uint32_t i = 0; dim != NULL && is_same && i < rank; i++)
        is_same = t->shape[i] == dim[i];
    if (!is_same) {
        char have[192], want[192];
        write_shape(have, sizeof have, t->rank, t->shape);
        if (dim != NULL)
            write_shape(want, sizeof want, rank, dim);
        else
            snprintf(want, sizeof want, "%zu elements", len);
        return VKC_FAIL(VKC_E_FORMAT, "%s: tensor %s is (%s), want (%s)", f->path, name, have, want);
    }
    return nn_st_tensor_read(t, 0, len, out);
}
