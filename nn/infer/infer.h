// infer.h — logits of a model for batches of samples, and captured activations: recorded once, replayed.
#ifndef NN_INFER_H
#define NN_INFER_H

#include "nn/data/feed.h"
#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_MAX_CAPTURES 4

typedef struct nn_infer nn_infer;

typedef struct nn_infer_params {
    uint32_t cap_images;            // samples of a batch at most
    bool     check_finite;          // a run fails with E_CHECK, with layer and mixer, when a mixer reads or gives a NaN
                                    // or an infinity
    bool     kept;                  // nn_infer_kept will be asked
    bool     scores;                // nn_infer_scores will be asked; E_ARG when the model drops tokens
    const char *capture[NN_MAX_CAPTURES];   // what nn_infer_captured will be asked for, by the names of
                                    // nn_model_taps_find: "tokens", "blocks.3.heads"; "blocks.*.heads" is of every
                                    // block there is. The first NULL ends them. E_ARG: no tensor has such a name, or
                                    // the model drops tokens
    bool     stream;                // start at block `first`: the input, "stream", is the residual stream that enters
    uint32_t first;                 // it (R, dim), instead of what the model reads. Dense models only (else E_ARG)
    bool     has_lengths;           // samples differ in their numbers of tokens (nn_infer_lengths); E_ARG for pictures
} nn_infer_params;

// For batches of at most cap_images. `m` must outlive it; later changes of m's values are seen, changes of its
// structure (nn_model_borrow) are not. Errors: E_DEVMEM in words, E_NOMEM, E_UNSUPPORTED.
vkc_status nn_infer_create(const nn_model *m, uint32_t cap_images, nn_infer **out);
vkc_status nn_infer_create_with(const nn_model *m, const nn_infer_params *p, nn_infer **out);
void       nn_infer_destroy(nn_infer *inf);

// Of a model with one input of floats (pixels (n, channels, height, width), normalised, or see `stream`): n samples of
// it -> logits (n, classes). Blocking. The bits of the logits are the same from a block on as from the pixels. On a
// device that is checked (nn/graph/check.h) E_CHECK, and no logits, when a call differs from its reference.
vkc_status nn_infer_run(nn_infer *inf, const float *input, uint32_t n, float *logits);

// Any model: write each input where it is read from, nn_model_inputs by name, or let a feed do so; then run the n
// samples that are there. Blocking.
void      *nn_infer_input(nn_infer *inf, const char *name);     // host memory, 0 at first; NULL: no such input
uint32_t  *nn_infer_lengths(nn_infer *inf);             // (cap_images) tokens of each sample; NULL without has_lengths
vkc_status nn_infer_want(nn_infer *inf, nn_feed_batch *out);    // all inputs and lengths, as a feed fills them in
vkc_status nn_infer_run_filled(nn_infer *inf, uint32_t n);

// Replay the last batch once more and give the wall time from submit to done.
vkc_status nn_infer_repeat(nn_infer *inf, double *seconds);

// Of the last run, until the next. Logits (n, classes).
const float *nn_infer_logits(const nn_infer *inf);
// The layout after block l (shaders/inc/rows_layout.h), as retention made it; NULL where it makes none
// (nn_retention_depths takes these).
const uint32_t *nn_infer_kept(const nn_infer *inf, uint32_t l);
// Adds to share[l], of the n images of that run, the shares of their patches that entered block l; needs `kept`.
void nn_infer_add_shares(const nn_infer *inf, uint32_t n, double *share);
// Another gate for the runs to come of a halting model (nn/models/retention.h), whose config stays as it is.
// Blocking.
vkc_status nn_infer_write_gate(nn_infer *inf, double scale, double centre);
// The class attention of every token (n, tokens) in layer l (shaders/attention/class_attention.h); NULL where the mixer
// has no attention weights.
const float *nn_infer_scores(const nn_infer *inf, uint32_t l);
// A tensor inside by its name, its rows one after the other: of "blocks.3", the residual stream after block 3, (n,
// tokens, dim), or where samples have lengths as many rows as they have tokens. NULL: it was not asked for, or is
// before the block that the run starts at.
const float *nn_infer_captured(const nn_infer *inf, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

uint64_t   nn_infer_bytes(const nn_infer *inf);         // device memory of activations and inputs

#ifdef __cplusplus
}
#endif
#endif
