// safetensors_tensor.c — one tensor of an open file: its type and shape, its values as floats, errors that name it.
#include "nn/base/half.h"
#include "nn/checkpoint/safetensors_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
    if (t->stride != NULL) {
        const size_t one = dtypes[t->dtype].size;
        if (offset % one || size % one)
            return NN_ST_FAIL(VKC_E_ARG, t, "is read by whole elements");
        return nn__st_gather(t, one, offset / one, size / one, out);
    }
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
