// safetensors.c — the reader: open files, and tensors as floats. safetensors_header.c reads the header,
// safetensors_save.c is the writer.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn/base/half.h"
#include "nn/checkpoint/safetensors_impl.h"

typedef unsigned long long ull;

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

vkc_status nn_st_fail(vkc_status st, const char *file, int line, const nn_st_tensor *t, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return vkc_fail(st, file, line, "%s: tensor %s, bytes %llu to %llu: %s", t->file->path, t->name, (ull) t->begin,
                    (ull) (t->begin + t->size), text);
}

// ---- files

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

vkc_status nn_safetensors_load(const char *path, nn_safetensors **out)
{
    nn_safetensors *f = NULL;
    vkc_status st;
    VKC_TRY(create(path, &f));
    VKC_TRY(nn_source_open(f->path, &f->src));
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
    VKC_TRY(create(where, &f));
    f->copy = malloc(size + 1);
    if (f->copy == NULL) {
        st = VKC_FAIL(VKC_E_NOMEM, "no memory for the %zu bytes of %s", size, where);
        goto done;
    }
    if (size > 0)
        memcpy(f->copy, data, size);
    f->src = nn_source_of(f->path, f->copy, size);
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

// ---- values

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t get_u16(const unsigned char *p)
{
    return (uint32_t) p[0] | (uint32_t) p[1] << 8;
}

static uint32_t get_u32(const unsigned char *p)
{
    return get_u16(p) | get_u16(p + 2) << 16;
}

static float from_double(const unsigned char *p)
{
    const uint64_t bits = (uint64_t) get_u32(p + 4) << 32 | get_u32(p);
    double x;
    memcpy(&x, &bits, sizeof x);
    return (float) x;
}

// `p` and `out` may be the same bytes for F32.
static void convert(nn_st_dtype dtype, const unsigned char *p, size_t len, float *out)
{
    switch (dtype) {
    case NN_ST_F32:
        for (size_t i = 0; i < len; i++)
            out[i] = from_bits(get_u32(p + 4 * i));
        return;
    case NN_ST_F16:
        for (size_t i = 0; i < len; i++)
            out[i] = nn_half_to_float((uint16_t) get_u16(p + 2 * i));
        return;
    case NN_ST_BF16:
        for (size_t i = 0; i < len; i++)
            out[i] = from_bits(get_u16(p + 2 * i) << 16);
        return;
    default:
        for (size_t i = 0; i < len; i++)
            out[i] = from_double(p + 8 * i);
    }
}

vkc_status nn_st_tensor_read_raw(const nn_st_tensor *t, uint64_t offset, size_t size, void *out)
{
    if (offset > t->size || size > t->size - offset)
        return NN_ST_FAIL(VKC_E_ARG, t, "has fewer bytes than the %zu from %llu on that are asked for", size,
                          (ull) offset);
    return nn_source_read(&t->file->src, t->begin + offset, size, out);
}

vkc_status nn_st_tensor_read(const nn_st_tensor *t, uint64_t first, size_t len, float *out)
{
    const size_t size = dtypes[t->dtype].size;
    unsigned char raw[16384];
    if (first > t->len || len > t->len - first)
        return NN_ST_FAIL(VKC_E_ARG, t, "has %llu elements, fewer than asked for", (ull) t->len);
    if (!dtypes[t->dtype].is_float)
        return NN_ST_FAIL(VKC_E_ARG, t, "is %s, not a float type that is read", dtypes[t->dtype].name);
    if (t->dtype == NN_ST_F32) {
        vkc_status st = nn_st_tensor_read_raw(t, first * size, len * size, out);
        if (st == VKC_OK)
            convert(t->dtype, (const unsigned char *) out, len, out);
        return st;
    }
    for (size_t at = 0; at < len;) {
        const size_t n = len - at < sizeof raw / size ? len - at : sizeof raw / size;
        vkc_status st = nn_st_tensor_read_raw(t, (first + at) * size, n * size, raw);
        if (st != VKC_OK)
            return st;
        convert(t->dtype, raw, n, out + at);
        at += n;
    }
    return VKC_OK;
}

// ---- shapes

static void write_shape(char *out, size_t size, uint32_t rank, const uint64_t *dim)
{
    size_t at = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < rank && at < size; i++)
        at += (size_t) snprintf(out + at, size - at, "%s%llu", i > 0 ? ", " : "", (ull) dim[i]);
}

vkc_status nn_st_tensor_check(const nn_st_tensor *t, uint32_t rank, const uint64_t *dim)
{
    bool is_same = t->rank == rank;
    for (uint32_t i = 0; is_same && i < rank; i++)
        is_same = t->shape[i] == dim[i];
    if (!dtypes[t->dtype].is_float)
        return NN_ST_FAIL(VKC_E_FORMAT, t, "is %s, want floats", dtypes[t->dtype].name);
    if (is_same)
        return VKC_OK;
    char have[192], want[192];
    write_shape(have, sizeof have, t->rank, t->shape);
    write_shape(want, sizeof want, rank, dim);
    return NN_ST_FAIL(VKC_E_FORMAT, t, "is (%s), want (%s)", have, want);
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
