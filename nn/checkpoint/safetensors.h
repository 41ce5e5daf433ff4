// safetensors.h — a strict reader of safetensors files from anywhere, and an atomic writer.
//
// The reader accepts what the reference implementation accepts and nothing more: header at most
// 100 MB and within the file, strict JSON, known types, sizes that match the shapes, and tensors that
// cover the data from its first byte to its last without gap or overlap.
// Memory: the header and a table of the tensors, less than NN_ST_MAX_COST times the header's bytes; data stays in the
// file, which stays open, and is read piece by piece when asked for.
// A file of another format that is read into the same table: torch_file.h.
// Thread-safety: a file once loaded is read-only and may be shared.
// Errors: E_IO, E_FORMAT (always with the file, the tensor where there is one, and bytes of the file), E_NOMEM.
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
#define NN_ST_MAX_META 65536
#define NN_ST_MAX_COST 16

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

typedef struct nn_safetensors nn_safetensors;

typedef struct nn_st_tensor {
    const char *name;
    nn_st_dtype dtype;
    uint32_t    rank;                       // 0 = a single value
    uint64_t    shape[NN_ST_MAX_RANK];
    uint64_t    len;                        // elements; 0 when a dimension is
    uint64_t    begin, size;                // bytes: its data begins at byte `begin` of the file, is `size` long
    const uint64_t *stride;                 // (rank) elements from one to the next in the file; NULL: packed, row-major
    const nn_safetensors *file;             // in which it lies
} nn_st_tensor;

// Open a file and read its header. What it returns lives until nn_safetensors_destroy.
vkc_status nn_safetensors_load(const char *path, nn_safetensors **out);
// The same from memory, which is copied; `where` stands for the path in messages.
vkc_status nn_safetensors_read(const char *where, const void *data, size_t size, nn_safetensors **out);
void       nn_safetensors_destroy(nn_safetensors *f);

const char         *nn_safetensors_path(const nn_safetensors *f);
size_t              nn_safetensors_len(const nn_safetensors *f);               // number of tensors
const nn_st_tensor *nn_safetensors_at(const nn_safetensors *f, size_t i);      // in order of their names
const nn_st_tensor *nn_safetensors_get(const nn_safetensors *f, const char *name);  // NULL: none
const char         *nn_safetensors_meta(const nn_safetensors *f, const char *key);  // NULL: none
size_t              nn_safetensors_memory(const nn_safetensors *f);            // bytes of the host's memory it holds

// Copy elements first .. first + len - 1 of a tensor as float32; no memory is allocated. E_ARG beyond the end or not
// a float type; E_IO when the file has changed.
vkc_status nn_st_tensor_read(const nn_st_tensor *t, uint64_t first, size_t len, float *out);
// Copy bytes offset .. offset + size - 1 of any tensor, little-endian and row-major; of one with strides they are whole
// elements, gathered from where they lie.
vkc_status nn_st_tensor_read_raw(const nn_st_tensor *t, uint64_t offset, size_t size, void *out);
// E_FORMAT unless a tensor is of a float type and of this shape.
vkc_status nn_st_tensor_check(const nn_st_tensor *t, uint32_t rank, const uint64_t *dim);
// Look up, check and copy a whole tensor: `len` floats to `out`. A missing one, another shape, or a type that is no
// float, is E_FORMAT. `dim` may be NULL: any shape with `len` elements.
vkc_status nn_safetensors_get_f32(const nn_safetensors *f, const char *name, uint32_t rank,
                                  const uint64_t *dim, float *out, size_t len);

// A failure that names a tensor: "m.safetensors: tensor a.b, bytes 200 to 328: is F32, want ..."; the second byte is
// the first after it.
#define NN_ST_FAIL(st, t, ...) nn_st_fail((st), __FILE__, __LINE__, (t), __VA_ARGS__)
vkc_status nn_st_fail(vkc_status st, const char *file, int line, const nn_st_tensor *t, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 5, 6)))
#endif
    ;

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

// Write tensors, in this order, and metadata; "format": "pt" is added to it. The header is padded with spaces so that
// the data starts at a multiple of 8. Atomic (files.h).
// Errors: also E_ARG for a name that is empty, too long, twice, not UTF-8, or a shape that overflows.
vkc_status nn_safetensors_save(const char *path, const nn_st_save *tensors, size_t n, const nn_st_meta *meta,
                               size_t n_meta);

#ifdef __cplusplus
}
#endif
#endif
