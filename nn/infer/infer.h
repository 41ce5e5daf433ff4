// infer.h — logits of a model for batches of pictures: recorded once, replayed.
#ifndef NN_INFER_H
#define NN_INFER_H

#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nn_infer nn_infer;

typedef struct nn_infer_params {
    uint32_t cap_images;            // of a batch at most
    bool     check_finite;          // a run fails with E_CHECK, with layer and mixer, when a mixer reads or gives a NaN
                                    // or an infinity
    bool     kept;                  // nn_infer_kept will be asked
    bool     scores;                // nn_infer_scores will be asked; E_ARG when the model drops tokens
    bool     blocks;                // nn_infer_block and nn_infer_embedded will be asked; likewise
    bool     stream;                // start at block `first`: the input is the residual stream that enters it, (n,
    uint32_t first;                 // tokens, dim), instead of pixels. Dense models only (else E_ARG)
} nn_infer_params;

// For batches of at most cap_images. `v` must outlive it; later changes of v's values are seen, changes of its
// structure (nn_model_borrow) are not. Errors: E_DEVMEM in words, E_NOMEM, E_UNSUPPORTED.
vkc_status nn_infer_create(const nn_model *v, uint32_t cap_images, nn_infer **out);
vkc_status nn_infer_create_with(const nn_model *v, const nn_infer_params *p, nn_infer **out);
void       nn_infer_destroy(nn_infer *inf);

// pixels (n, channels, size, size), normalised, or the stream (see `stream`) -> logits (n, classes). Blocking. The bits
// of the logits are the same from a block on as from the pixels. On a device that is checked (nn/graph/check.h)
// E_CHECK, and no logits, when a call differs from its reference.
vkc_status nn_infer_run(nn_infer *inf, const float *input, uint32_t n, float *logits);
// Replay the last batch once more and give the wall time from submit to done.
vkc_status nn_infer_repeat(nn_infer *inf, double *seconds);

// Of the last run, until the next. The layout after block l (shaders/inc/rows_layout.h), as retention made it; NULL
// where it makes none (nn_retention_depths takes these).
const uint32_t *nn_infer_kept(const nn_infer *inf, uint32_t l);
// Adds to share[l], of the n images of that run, the shares of their patches that entered block l; needs `kept`.
void nn_infer_add_shares(const nn_infer *inf, uint32_t n, double *share);
// Another gate for the runs to come of a halting model (nn/models/retention.h), whose config stays as it is.
// Blocking.
vkc_status nn_infer_write_gate(nn_infer *inf, double scale, double centre);
// The class attention of every token (n, tokens) in layer l (shaders/attention/class_attention.h); NULL where the mixer
// has no attention weights.
const float *nn_infer_scores(const nn_infer *inf, uint32_t l);
// The residual stream after block l, (n, tokens, dim); NULL for a block before the first.
const float *nn_infer_block(const nn_infer *inf, uint32_t l);
// The stream that enters block 0; NULL for a model that did not start at the pixels.
const float *nn_infer_embedded(const nn_infer *inf);

uint64_t   nn_infer_bytes(const nn_infer *inf);         // device memory of activations and inputs

#ifdef __cplusplus
}
#endif
#endif
