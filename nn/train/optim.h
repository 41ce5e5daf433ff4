// optim.h — AdamW with global-norm clipping over flat blocks of parameters, and their average, without read-back.
//
// Parameters, gradients and both moments lie in blocks of equal layout; one that is larger than a
// kernel takes at once is worked on in pieces. A step is recorded once and replayed; the learning rate and the step
// number go through a small upload buffer, written before each replay.
// Thread-safety: as the device.
#ifndef NN_OPTIM_H
#define NN_OPTIM_H

#include "vk/recording.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_adamw nn_adamw;

typedef struct nn_adamw_block {
    vkc_slice params, grads, m, v;  // float32, equal sizes; borrowed. m and v start at 0 (vkc_fill)
    size_t    decay_len;            // numbers that weight decay pulls: the first so many of the block
    vkc_slice average;              // of the values after each step; starts as they do. Empty = none
} nn_adamw_block;

typedef struct nn_adamw_params {
    double beta1, beta2, eps;       // 0 = 0.9, 0.999, 1e-8
    double weight_decay;            // 0 = none
    double max_norm;                // clip the norm of all gradients to this; 0 = never
    double ema;                     // decay of the averages, below 1; 0 = none. In step t min(ema, (1 + t) / (10 + t))
} nn_adamw_params;

// `blocks` is copied; the memory it names must outlive the optimiser's recordings.
// Errors: E_ARG (sizes differ, an empty block), E_NOMEM, E_DEVMEM.
vkc_status nn_adamw_create(vkc_device *dev, const nn_adamw_params *params, const nn_adamw_block *blocks,
                           uint32_t n_blocks, nn_adamw **out);
void       nn_adamw_destroy(nn_adamw *opt);             // after the recordings that use it; NULL is fine

// Append to a recording: gradients to zero; one step, from the gradients as they are by then.
vkc_status nn_adamw_record_clear(nn_adamw *opt, vkc_recording *rec);
vkc_status nn_adamw_record(nn_adamw *opt, vkc_recording *rec);

// What the next replay uses; step counts from 1. Call it when no replay is running (vkc_wait): the
// device reads the memory that this writes.
void       nn_adamw_write_step(nn_adamw *opt, double lr, uint64_t step);

// On the device, of the newest step: float norm of all gradients before clipping, float clip scale.
vkc_slice  nn_adamw_get_norm(const nn_adamw *opt);

#ifdef __cplusplus
}
#endif
#endif
