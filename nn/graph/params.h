// params.h — the parameters of a model: named tensors in a few flat blocks.
//
// Values and gradients are parallel blocks with equal offsets, so zeroing, clipping, AdamW and
// checkpoints walk flat memory. In a block the decayed parameters (matrices) come first, the rest
// (biases, norms, tokens, positions) after. A block ends at 256 MiB, or what the device binds at once;
// a larger parameter has one of its own, up to what the device takes in one buffer. A parameter that is
// not fp32 is read only: it has no gradient and is not trained.
// Thread-safety: as the device.
#ifndef NN_PARAMS_H
#define NN_PARAMS_H

#include "nn/graph/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_MAX_NAME 128
#define NN_MAX_BLOCKS 64

typedef struct nn_param {
    char     name[NN_MAX_NAME];     // timm's spelling: "blocks.0.attn.qkv.weight"
    nn_shape shape;                 // as ops read it
    nn_dtype dtype;                 // of its values; F32, or set to F16 before nn_params_alloc
    nn_shape saved;                 // as files spell it, "pos_embed" (1, T, C); same number of elements
    bool     decay;                 // weight decay applies
    bool     frozen;                // graphs take it as it is, whatever is trained: no gradient, it keeps its bits
    uint32_t block;                 // where it lies, after nn_params_alloc
    size_t   offset;                // bytes in the block
} nn_param;

typedef struct nn_params {
    vkc_device *dev;
    nn_param   *p;
    uint32_t    n;
    uint32_t    n_blocks;
    size_t      block_size[NN_MAX_BLOCKS], decay_end[NN_MAX_BLOCKS];   // bytes
    vkc_buffer *value[NN_MAX_BLOCKS], *grad[NN_MAX_BLOCKS];            // grad: NULL without gradients
} nn_params;

vkc_status nn_params_create(vkc_device *dev, nn_params **out);
void       nn_params_destroy(nn_params *ps);
// Append a parameter, `saved` equal to `shape` (set p[*index].saved where files differ); *index stays valid.
// Errors: E_ARG (a name twice or too long), E_NOMEM.
vkc_status nn_params_add(nn_params *ps, const char *name, const nn_shape *shape, bool decay,
                         uint32_t *index);
// Place all and make the blocks, values and gradients zero. Nothing can be added after. Errors: E_UNSUPPORTED (a
// parameter larger than a buffer can be, in words), E_DEVMEM.
vkc_status nn_params_alloc(nn_params *ps, bool with_grads);
vkc_slice  nn_params_value(const nn_params *ps, uint32_t index);
vkc_slice  nn_params_grad(const nn_params *ps, uint32_t index);                 // of an fp32 parameter
// As floats, whatever it holds; fp16 rounds to the nearest. Blocking. Errors: E_NOMEM, device errors.
vkc_status nn_params_write(nn_params *ps, uint32_t index, const float *src);
vkc_status nn_params_read(const nn_params *ps, uint32_t index, float *dst);
bool       nn_params_find(const nn_params *ps, const char *name, uint32_t *index);
uint64_t   nn_params_count(const nn_params *ps);        // elements of all parameters

#ifdef __cplusplus
}
#endif
#endif
