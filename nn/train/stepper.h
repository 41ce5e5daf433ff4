// stepper.h — one optimiser step over batches of pictures, recorded once: copy in, forward, backward,
// AdamW, copy the losses out. Training and transfer drive it; two input slots let the host fill one while
// the device works on the other.
//
//   fill slot 0; for (step = 1 ...) { submit(slot, lr, step); fill the other slot; wait(losses); }
//
// With a recipe, filling ends with nn_stepper_mix. An average of the weights (recipe.ema) starts with the values before
// the first step and is kept beside them.
// Thread-safety: as the device; the memory of the slot not submitted may be written by any thread.
#ifndef NN_STEPPER_H
#define NN_STEPPER_H

#include "nn/graph/graph.h"
#include "nn/train/optim.h"
#include "nn/train/recipe.h"
#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NN_STEPPER_SLOTS 2
#define NN_MAX_LOSSES 256

typedef struct nn_stepper nn_stepper;

typedef struct nn_stepper_params {
    vkc_device *dev;
    nn_graph   *graph;              // built, with losses, not yet planned; borrowed
    nn_params  *params;             // whose trained tensors are optimised; borrowed
    nn_batch   *batch;              // layouts of the graph; borrowed
    nn_tensor  *pixels, *labels;    // inputs; labels may be NULL
    nn_tensor  *knobs;              // a small plain input that the host may change from step to step; NULL = none
    const nn_recipe_inputs *recipe; // of the same graph, copied; NULL = none
    nn_tensor *const *watch;        // plain scalars to read after each step
    uint32_t    n_watch;
    nn_adamw_params adamw;
    bool        profile;            // time every dispatch, one after the other (nn_stepper_recording)
} nn_stepper_params;

vkc_status nn_stepper_create(const nn_stepper_params *p, nn_stepper **out);
void       nn_stepper_destroy(nn_stepper *s);

// Host memory of a slot: pixels (B, channels * size * size), labels (B). Fill one slot at a time.
float     *nn_stepper_pixels(nn_stepper *s, uint32_t slot);
uint32_t  *nn_stepper_labels(nn_stepper *s, uint32_t slot);
// What the recipe makes of the n pictures just filled in, for the step that will take them. Nothing without a recipe.
void       nn_stepper_mix(nn_stepper *s, uint32_t slot, uint32_t n, uint64_t step);
// What the knobs are from the next submit on; 0 before the first call. The step before must have been waited for.
void       nn_stepper_set_knobs(nn_stepper *s, const float *values);
// Start step `step` (from 1) on the n images of a slot; the step before must have been waited for.
vkc_status nn_stepper_submit(nn_stepper *s, uint32_t slot, uint32_t n, double lr, uint64_t step);
// Wait for it; watch[n_watch] gets the scalars, *norm (may be NULL) the gradient norm before clipping.
// E_ARG is never returned for numbers: a NaN loss is the caller's to judge.
vkc_status nn_stepper_wait(nn_stepper *s, float *watch, float *norm);
// After the wait: E_CHECK with the first call that differs from its reference, where the device is checked
// (nn/graph/check.h)
// and this step is one to compare, or with the first tensor that the graph watches (nn/graph/finite.h) and that was not
// finite.
vkc_status nn_stepper_check(const nn_stepper *s, uint64_t step);
bool       nn_stepper_is_checked(const nn_stepper *s);

// Let the trained parameters be their average, where there is one: the end of a training. No step may follow.
vkc_status nn_stepper_write_average(nn_stepper *s);

// Checkpoint: trained parameters, both moments and the average by name, and `n` words of the caller's own state
// (64 bits each, stored losslessly). Atomic. Load fails with E_FORMAT when it is of another model. From one without an
// average, that starts with the values loaded.
vkc_status nn_stepper_save(nn_stepper *s, const char *path, const uint64_t *state, uint32_t n);
vkc_status nn_stepper_load(nn_stepper *s, const char *path, uint64_t *state, uint32_t n);

vkc_recording *nn_stepper_recording(nn_stepper *s);     // borrowed, for its counts and times

#ifdef __cplusplus
}
#endif
#endif
