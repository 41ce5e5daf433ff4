// safetensors.h — a strict reader of safetensors files from anywhere, and an atomic writer.
//
// The reader accepts what the reference implementation accepts and nothing more: header at most
// 100 MB and within the file, strict JSON, known types, sizes that match the shapes, and tensors that
// cover the data from its first byte to its last without gap or overlap.
// Thread-safety: a file once loaded is read-only and may be shared.
// Errors: E_IO, E_FORMAT (always with the file and, where there is one, the tensor), E_NOMEM.
#ifndef NN_SAFETENSORS_H
#define NN_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "vk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_ST_MAX_RANK 8
#define NN_ST_MAX_TENSORS 65536
#define NN_ST_MAX_NAME 512

// X(name, bytes of an element, does nn_st_tensor_read turn it into float?)
#define NN_ST_DTYPE_MAP(X)                                                                         \
    X(F32, 4, 1) X(F16, 2, 1) X(BF16, 2, 1) X(F64, 8, 1) X(I64, 8, 0) X(U64, 8, 0) X(I32, 4, 0)    \
    X(U32, 4, 0) X(I16, 2, 0) X(U16, 2, 0) X(I8, 1, 0) X(U8, 1, 0) X(BOOL, 1, 0)                   \
    X(F8_E4M3, 1, 0) X(F8_E5M2, 1, 0)

typedef enum {
#define X(id, size, is_float) NN_ST_##id,
    NN_ST_DTYPE_MAP(X)
#undef X
    NN_ST_N_DTYPES
} nn_st_dtype;

const char *nn_st_dtype_name(nn_st_dtype dtype);    // "F32"
size_t      nn_st_dtype_size(nn_st_dtype dtype);    // bytes of an element

typedef struct nn_st_tensor {
    const char *name;
    nn_st_dtype dtype;
    uint32_t    rank;                       // 0 = a single value
    uint64_t    shape[NN_ST_MAX_RANK];
    uint64_t    len;                        // elements; 0 when a dimension is
    const unsigned char *data;              // little-endian, row-major, not aligned
    size_t      size;                       // bytes
} nn_st_tensor;

typedef struct nn_safetensors nn_safetensors;

// Read a whole file into memory. What it returns lives until nn_safetensors_destroy.
vkc_status nn_safetensors_load(const char *path, nn_safetensors **out);
// The same from memory, which is copied; `where` stands for the path in messages.
vkc_status nn_safetensors_read(const char *where, const void *data, size_t size, nn_safetensors **out);
void       nn_safetensors_destroy(nn_safetensors *f);

const char         *nn_safetensors_path(const nn_safetensors *f);
size_t              nn_safetensors_len(const nn_safetensors *f);               // number of tensors
const nn_st_tensor *nn_safetensors_at(const nn_safetensors *f, size_t i);      // in order of their names
const nn_st_tensor *nn_safetensors_get(const nn_safetensors *f, const char *name);  // NULL: none
const char         *nn_safetensors_meta(const nn_safetensors *f, const char *key);  // NULL: none

// Copy a tensor of this shape as float32: `len` floats to `out`. Another shape, or a type that is no float, is
// E_FORMAT. `dim` may be NULL: any shape with `len` elements.
vkc_status nn_safetensors_get_f32(const nn_safetensors *f, const char *name, uint32_t rank,
                                  const uint64_t *dim, float *out, size_t len);
// Copy elements first .. first + len - 1 of a tensor as float32. E_ARG beyond the end or not a float type.
vkc_status nn_st_tensor_read(const nn_st_tensor *t, uint64_t first, size_t len, float *out);

// What to write. The bytes come from `data`, or when that is NULL from `read`, called with ascending
// offsets and at most 1 MiB at a time.
typedef struct nn_st_save {
    const char *name;
    nn_st_dtype dtype;
    uint32_t    rank;
    uint64_t    shape[NN_ST_MAX_RANK];
    const void *data;
    vkc_status (*read)(void *user, uint64_t offset, void *out, size_t size);
    void       *user;
} nn_st_save;

typedef struct nn_st_meta { const char *key, *value; } nn_st_meta;

// Write tensors, in this order, and metadata; "format": "pt" is added to it. The header is padded with spaces so that the data starts at a multiple of 8. Atomic (files.h).
// Errors: also E_ARG for a name that is empty, too long, twice, not UTF-8, or a shape that overflows.
vkc_status nn_safetensors_save(const char *path, const nn_st_save *tensors, size_t n, const nn_st_meta *meta,
                               size_t n_meta);

#ifdef __cplusplus
}
#endif
#endif
