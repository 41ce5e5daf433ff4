// retain.h — token pruning, the whole of pare retain: train a model, measure it, write it; one or a series.
#ifndef PIPELINE_RETAIN_H
#define PIPELINE_RETAIN_H

#include "distill/retain/retain.h"
#include "distill/retain/retain_stats.h"
#include "pipeline/base/measure.h"
#include "pipeline/run/run.h"
#include "pipeline/train/pruning.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PIPELINE_MAX_SERIES 16
#define PIPELINE_USUAL_EPOCHS UINT32_MAX        // halting: 4, topk: none

typedef struct pipeline_retain_result pipeline_retain_result;
// Model i is written; what is known of it and of those before it is in `so_far`. Anything but VKC_OK ends the run.
typedef vkc_status (*pipeline_retain_told_fn)(void *user, uint32_t i, const pipeline_retain_result *so_far);

typedef struct pipeline_retain_params {     // PIPELINE_RETAIN_DEFAULTS, in brackets; 0 = none if nothing else is said
    const char    *teacher;         // model folder
    pipeline_data  data;            // batch [64]
    pipeline_place place;           // of a series the models are out-0.80, out-0.60 ..., and the runs likewise
    uint64_t       seed;
    // Mean shares of patches at the entry of a block that are asked for; several are a series. Or, for topk, `share`,
    // or for halting a fixed gate, which asks for none.
    uint32_t       n_keep, n_at, n_share;
    double         keep[PIPELINE_MAX_SERIES];
    pipeline_pruning pruning;       // [PIPELINE_PRUNING_DEFAULTS]
    uint32_t       at[NN_MAX_DEPTH];        // topk: the blocks after which tokens are dropped; n_at 0 = every one
    double         share[NN_MAX_DEPTH];     // (n_at) topk: in place of keep, the share kept after each of them
    uint32_t       epochs;          // [PIPELINE_USUAL_EPOCHS]
    double         lr, weight_decay, clip, kl;      // [5e-4, 0.05, 1, 0]
    nn_recipe      recipe;          // smoothing [0.1]
    bool           plain_gate;      // halting: gate on channel 0 without rotating the stream, as a fixed gate always is
    bool           chain;           // start each model of a series from the previous one
    bool           plain;           // no flips, transposes and shifts
    bool           keep_last;       // the parameters of the last epoch, not those of the best on val
    bool           no_timing;       // do not time the models
    uint32_t       max_steps;       // stop after so many steps in total; 0 = no limit
    pipeline_retain_told_fn told;   // with the context's user; may be NULL
} pipeline_retain_params;

#define PIPELINE_RETAIN_DEFAULTS { .data = { .batch = 64 }, .pruning = PIPELINE_PRUNING_DEFAULTS, \
    .epochs = PIPELINE_USUAL_EPOCHS, .lr = 5e-4, .weight_decay = 0.05, \
    .recipe = { .smoothing = 0.1, .rates = { .warmup = -1.0 } }, .clip = 1.0 }

typedef struct pipeline_retained {  // a model of the series
    double keep;                    // asked for; 0 = none, by a fixed gate
    char   out[PIPELINE_PATH_MAX], run[PIPELINE_PATH_MAX];      // run "" = out with ".run"
    nn_retention_config   retention;
    distill_retain_result train;
    nn_eval_result        val, test;        // images = 0 where the split has none
    distill_retain_stats  stats;
    double                images_per_s;     // 0 = not timed
    double                macs, kept_macs;  // multiply-adds of a picture: with all its tokens, and as many as it kept
    json_t               *json;             // owned: what its run.json has as results; NULL = not written yet
} pipeline_retained;

struct pipeline_retain_result {
    char              run_dir[PIPELINE_PATH_MAX];       // of the newest; "" = none was opened
    uint32_t          n, epochs;
    pipeline_retained model[PIPELINE_MAX_SERIES];
    nn_eval_result    teacher;              // with all tokens
    double            teacher_images_per_s; // 0 = not timed
};

// What the parameters make of a model of this config: keep, names, retention and epochs of every model of the series.
// E_ARG in words.
vkc_status pipeline_retain_plan(const pipeline_context *c, const pipeline_retain_params *p, const nn_model_config *cfg,
                                pipeline_retain_result *out);
// Settings of the training of model i; data, run folder and resuming are the caller's.
distill_retain_params pipeline_retain_training(const pipeline_context *c, const pipeline_retain_params *p,
                                               const pipeline_retain_result *plan, uint32_t i);

// What can be said before a device is opened, and pipeline_retain says too.
vkc_status pipeline_retain_check(const pipeline_context *c, const pipeline_retain_params *p);
// A model after the other. pipeline_retain_finish the result, after a failure too. Errors: those of distill_retain;
// E_ARG (parameters, run folder), E_FORMAT, E_IO.
vkc_status pipeline_retain(const pipeline_context *c, const pipeline_retain_params *p, pipeline_retain_result *out);
void       pipeline_retain_finish(pipeline_retain_result *r);

// The figures that a model is judged by: on test, or on val where there is no test.
const nn_eval_result *pipeline_retained_figures(const pipeline_retained *m);
// Adds to `o` what is known of the ring (distill/retain/retain_stats.h).
void       pipeline_add_ring(json_t *o, const distill_retain_stats *s);
// "patches of the ring survive, against the others: at the last layer 1.25 times as often, mean of layers 1.10 times as
// often", or "" without a truth.
void       pipeline_ring_text(const distill_retain_stats *s, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
