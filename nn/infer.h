// infer.h — logits of a model for batches of pictures: recorded once, replayed.
#ifndef NN_INFER_H
#define NN_INFER_H

#include "nn/vit.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_infer nn_infer;

// For batches of at most cap_images. `v` must outlive it; later changes of v's values are seen, changes of its
// structure (nn_vit_borrow) are not. Errors: E_DEVMEM in words, E_NOMEM, E_UNSUPPORTED.
vkc_status nn_infer_create(const nn_vit *v, uint32_t cap_images, nn_infer **out);
// The same, whose runs fail with E_CHECK when a mixer's input or output is not finite, with layer and mixer.
vkc_status nn_infer_create_checked(const nn_vit *v, uint32_t cap_images, nn_infer **out);
void       nn_infer_destroy(nn_infer *inf);

// pixels (n, channels, size, size), normalised -> logits (n, classes). Blocking.
vkc_status nn_infer_run(nn_infer *inf, const float *pixels, uint32_t n, float *logits);
// Replay the last batch once more and give the wall time from submit to done.
vkc_status nn_infer_repeat(nn_infer *inf, double *seconds);
uint64_t   nn_infer_bytes(const nn_infer *inf);         // device memory of activations and inputs

#ifdef __cplusplus
}
#endif
#endif
