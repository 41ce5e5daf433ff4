// stepper.h — one optimiser step, recorded once and replayed a batch: copy in, forward, backward, AdamW, losses out.
// Training and transfer drive it; two input slots let the host fill one while the device works on the other.
//
//   fill slot 0; for (step = 1 ...) { submit(slot, n, lr, step); fill the other slot; wait(losses); check(step); }
//
// It knows its inputs by name alone: nn_stepper_input is where the host writes them, nn_stepper_want asks a feed
// (nn/data/feed.h) for all of them. An average of the weights (adamw.ema) starts with the values before the first step
// and is kept beside them.
//
// With an exchange a step is two recordings, backward pass and optimiser, and the exchange stands between them: there
// the gradients of several steppers, on one device or on several machines, become their mean.
// Thread-safety: as the device; the memory of the slot not submitted may be written by any thread.
#ifndef NN_STEPPER_H
#define NN_STEPPER_H

#include "nn/data/feed.h"
#include "nn/graph/graph.h"
#include "nn/models/batch.h"
#include "nn/train/optim.h"
#include "vk/recording.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_STEPPER_SLOTS 2
#define NN_MAX_LOSSES 256

typedef struct nn_stepper nn_stepper;

// The gradients of a step, complete, before they are clipped and used: float32 on the device. Two ways to go through
// them: `range` are slices in the order of memory, each a run of trained parameters, perhaps of more bytes than a
// kernel binds (vkc_max_bind); between parameters lies padding of 0, up to the alignment of the device, that may be
// exchanged along. Or parameter by parameter, which is the same on every device: nn_params_grad(params, i) where
// trained[i]. Steppers of models of one config with the same parameters frozen have the same ranges on devices of one
// alignment (vkc_align), and the same parameters on all.
typedef struct nn_gradients {
    vkc_device *dev;
    const vkc_slice *range;         // (n_ranges)
    uint32_t    n_ranges;
    const nn_params *params;
    const bool *trained;            // (params->n)
} nn_gradients;

// Make them what the optimiser is to use, in place: by vkc_read and vkc_write through host memory, or by recordings
// that are submitted, not necessarily waited for. Nothing runs on this stepper's memory when it is called, from within
// nn_stepper_wait and on its thread. A status that is not VKC_OK ends the step before the optimiser.
typedef vkc_status (*nn_exchange_fn)(void *user, const nn_gradients *g, uint64_t step);

typedef struct nn_stepper_params {
    vkc_device *dev;
    nn_graph   *graph;              // built, with losses, not yet planned; borrowed
    nn_params  *params;             // whose trained tensors are optimised; borrowed
    nn_batch   *batch;              // layouts of the graph; borrowed
    nn_tensor *const *inputs;       // of the graph, filled for every step; a NULL is left out
    uint32_t    n_inputs;
    nn_tensor *const *live;         // small inputs that the host may change between steps, or leave; a NULL likewise
    uint32_t    n_live;
    bool        has_lengths;        // samples differ in their numbers of tokens (nn_stepper_lengths)
    nn_tensor *const *watch;        // plain scalars to read after each step
    uint32_t    n_watch;
    nn_adamw_params adamw;
    nn_exchange_fn exchange;        // NULL = none, and the step is one recording
    void       *exchange_user;
    bool        profile;            // time every dispatch, one after the other (nn_stepper_recording)
} nn_stepper_params;

// Errors: those of the graph; E_ARG (no parameter is trained, two inputs of one name), E_NOMEM, E_DEVMEM.
vkc_status nn_stepper_create(const nn_stepper_params *p, nn_stepper **out);
void       nn_stepper_destroy(nn_stepper *s);

// Host memory of an input in a slot, 0 at first; NULL: there is none of that name. Fill one slot at a time. Memory of
// a live input is one for all slots, to be written between a wait and the next submit.
void      *nn_stepper_input(nn_stepper *s, uint32_t slot, const char *name);
// Tokens of each sample of a slot (cap), which has_lengths asks for; else NULL.
uint32_t  *nn_stepper_lengths(nn_stepper *s, uint32_t slot);
// All inputs of a slot but the live ones, and its lengths, as a batch to be had from a feed. E_ARG: too many.
vkc_status nn_stepper_want(nn_stepper *s, uint32_t slot, nn_feed_batch *out);

// Start step `step` (from 1) on the n samples of a slot; the step before must have been waited for.
vkc_status nn_stepper_submit(nn_stepper *s, uint32_t slot, uint32_t n, double lr, uint64_t step);
// Wait for it; watch[n_watch] gets the scalars, *norm (may be NULL) the norm of all gradients before clipping and after
// the exchange. E_ARG is never returned for numbers: a NaN loss is the caller's to judge. Errors: those of the device
// and of the exchange.
vkc_status nn_stepper_wait(nn_stepper *s, float *watch, float *norm);
// After the wait: E_CHECK with the first call that differs from its reference, where the device is checked
// (nn/graph/check.h) and this step is one to compare, or with the first tensor that the graph watches
// (nn/graph/finite.h) and that was not finite.
vkc_status nn_stepper_check(const nn_stepper *s, uint64_t step);
bool       nn_stepper_is_checked(const nn_stepper *s);

// The values of all trained parameters, one parameter after the other, to host memory and back. Between steps.
size_t     nn_stepper_len(const nn_stepper *s);         // numbers
vkc_status nn_stepper_read(nn_stepper *s, float *out);
vkc_status nn_stepper_write(nn_stepper *s, const float *in);

// Let the trained parameters be their average, where there is one: the end of a training. Before a further step they
// must be written as they were.
vkc_status nn_stepper_write_average(nn_stepper *s);
bool       nn_stepper_has_average(const nn_stepper *s);

// What a checkpoint holds of its caller's.
typedef struct nn_stepper_state {
    uint64_t *words;                // (n) stored losslessly
    uint32_t  n, least;             // a file with `least` alone is loaded too, and n is then that
    float    *kept;                 // (nn_stepper_len) further values of the trained parameters; NULL = none, and after
                                    // loading a file without
} nn_stepper_state;

// Checkpoint: trained parameters, both moments, the average and what is kept by name, and the caller's words. Atomic.
// Load fails with E_FORMAT when it is of another model, or holds more than is asked for. From one without an average,
// that starts with the values loaded.
vkc_status nn_stepper_save(nn_stepper *s, const char *path, const nn_stepper_state *state);
vkc_status nn_stepper_load(nn_stepper *s, const char *path, nn_stepper_state *state);

// Borrowed, for its counts and times; with an exchange it ends before the optimiser.
vkc_recording *nn_stepper_recording(nn_stepper *s);

#ifdef __cplusplus
}
#endif
#endif
