// tensor.h — shapes, packed row layouts and tensors.
//
// Dimensions, everywhere: B images of a batch, T tokens of an image, R rows (tokens of the whole batch),
// C channels, H heads, D channels of a head, K classes.
//
// The only batch layout is packed rows: a tensor of tokens is (R, C), and an nn_rows says where each
// image starts. The live count and the offsets live on the device, so dropping tokens changes buffers
// and no code. A tensor's dim[0] is the capacity; rows beyond the live count hold garbage, NaN included.
#ifndef NN_TENSOR_H
#define NN_TENSOR_H

#include "shaders/inc/rows_layout.h"
#include "vk/memory.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_MAX_RANK 4
typedef struct nn_shape { uint32_t rank, dim[NN_MAX_RANK]; } nn_shape;   // rank 0 = no tensor

// What a tensor holds. Gradients are fp32 whatever their tensors hold, because backward passes add into them.
typedef enum { NN_DTYPE_F32, NN_DTYPE_U32, NN_DTYPE_F16, NN_DTYPE_COUNT } nn_dtype;
#define NN_DTYPE_GRAD NN_DTYPE_F32

size_t      nn_dtype_size(nn_dtype t);                  // bytes of an element
const char *nn_dtype_name(nn_dtype t);                  // "fp32", for messages

size_t nn_shape_len(const nn_shape *s);                 // elements; 0 for rank 0
// Bytes on the device: elements lie one after the other; the last word of an odd number of halves is half empty.
size_t nn_shape_bytes(const nn_shape *s, nn_dtype t);
bool   nn_shape_is(const nn_shape *s, uint32_t rank, const uint32_t *dim);

// A packed row layout: device words as in shaders/inc/rows_layout.h, and what the host last wrote.
typedef struct nn_rows {
    uint32_t cap_images, cap_tokens;    // most images, most tokens an image
    uint32_t prefix;                    // tokens of an image before its grid (1 = class token)
    uint32_t grid_h, grid_w;            // token grid; 0 x 0 = none. prefix + h * w <= cap_tokens
    bool     is_made;                   // words are made on the device, by the op `compact`; the host never writes them
    uint32_t n, n_images;               // live rows and images, as the host last wrote them
    uint32_t *offsets;                  // (cap_images + 1), host copy
    uint32_t *pos;                      // (cap_images * cap_tokens), host copy: row -> token index
    vkc_slice words;                    // the layout on the device
    vkc_slice launches, commands;       // indirect launches (shaders/engine/rows_plan.comp)
    uint32_t n_launches;
    uint32_t launch[ROWS_MAX_LAUNCHES][3];  // tile_rows, y, z; host copy
    vkc_buffer *buffer;                 // owned
    uint32_t *image;                    // host copy of words, owned
} nn_rows;

// Tokens of a sample: some kernels walk them in one invocation, with up to two rounds of loops each, and lavapipe
// leaves the loops of an invocation after 65,535 rounds (NN_MAX_ROUNDS).
#define NN_ROWS_MAX_TOKENS 32767u

// Make an empty layout. Errors: E_ARG, E_UNSUPPORTED (more than NN_ROWS_MAX_TOKENS), E_NOMEM, E_DEVMEM.
vkc_status nn_rows_create(vkc_device *dev, uint32_t cap_images, uint32_t cap_tokens, uint32_t prefix,
                          uint32_t grid_h, uint32_t grid_w, nn_rows **out);
void       nn_rows_destroy(nn_rows *rows);
uint32_t   nn_rows_cap(const nn_rows *rows);            // cap_images * cap_tokens

// Dense batch: every image has cap_tokens tokens. Blocking. E_ARG for a layout that is made on the device.
vkc_status nn_rows_write_dense(vkc_device *dev, nn_rows *rows, uint32_t n_images);
// Any lengths; pos (sum of lengths) may be NULL: 0, 1, 2 ... in every image. Blocking. E_ARG alike.
vkc_status nn_rows_write(vkc_device *dev, nn_rows *rows, uint32_t n_images, const uint32_t *lengths,
                         const uint32_t *pos);
// The host copy alone: for what knows on the host what a layout made on the device will be.
vkc_status nn_rows_set(nn_rows *rows, uint32_t n_images, const uint32_t *lengths, const uint32_t *pos);
// The host copy of what lies on the device. Blocking. E_CHECK, the copy as it was, for words that are no layout.
vkc_status nn_rows_read(vkc_device *dev, nn_rows *rows);

#ifdef __cplusplus
}
#endif
#endif
