// tuning.h — the end-to-end training of a student, which pare tune, distill, prune and study share: its settings, and
// its results as JSON.
#ifndef PIPELINE_TUNING_H
#define PIPELINE_TUNING_H

#include "distill/transfer/tune.h"
#include "pipeline/train/recipe.h"

#ifdef __cplusplus
extern "C" {
#endif

// distill/transfer/tune.h says what each of them is. Here 0 is none; of lr and weights < 0 is the default there.
typedef struct pipeline_tuning {
    distill_trained  trained;
    distill_target   target;
    distill_distance distance;
    uint32_t  epochs;
    double    lr, weight_decay, clip, similarity, ce, kl, temperature, halting;
    bool      centre;
    bool      keep_last;            // the parameters of the last epoch, not those of the best on val
    nn_recipe recipe;
} pipeline_tuning;

// The usual settings, n epochs, of the mixers or of what is named.
#define PIPELINE_TUNING_DEFAULTS(n) PIPELINE_TUNING_DEFAULTS_OF(n, DISTILL_TRAIN_MIXERS)
#define PIPELINE_TUNING_DEFAULTS_OF(n, what) { .trained = (what), .epochs = (n), .lr = -1.0, .clip = 1.0, \
    .similarity = -1.0, .ce = 1.0, .temperature = 1.0, .halting = -1.0, \
    .recipe = { .smoothing = 0.1, .rates = { .warmup = -1.0 } } }

// A parameter of which 0 means none, for the library below, where 0 means the default and less none.
static inline double pipeline_or_none(double x)
{
    return x > 0.0 ? x : -1.0;
}

// What is wrong with the recipe, as pipeline_recipe_check.
vkc_status pipeline_tuning_check(const pipeline_context *c, const char *pre, const pipeline_tuning *t, uint32_t batch);
// Settings of that training; data, seed, run and progress are the caller's.
void    pipeline_tuning_fill(const pipeline_tuning *t, distill_tune_params *out);
// For run.json: what of it decides the result.
json_t *pipeline_tuning_inputs(const pipeline_tuning *t);
// {what, train, steps, seconds, loss, ce, kl, halting, teacher_keep, keep, distance: [a layer], epochs,
// best_epoch, best_val_top1}; null where there is no such figure.
json_t *pipeline_tuning_json(const char *what, const pipeline_tuning *t, const distill_tune_result *r, uint32_t depth);

#ifdef __cplusplus
}
#endif
#endif
