// train.h — the whole of pare train: a vision transformer from scratch or from another model, measured and written.
#ifndef PIPELINE_TRAIN_H
#define PIPELINE_TRAIN_H

#include "nn/train/train.h"
#include "pipeline/base/measure.h"
#include "pipeline/run/run.h"
#include "pipeline/train/pruning.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pipeline_train_params {      // PIPELINE_TRAIN_DEFAULTS, in brackets; 0 = none
    const char    *arch;            // "vit:image=64,patch=8,dim=96,depth=6,heads=3", or
    const char    *init;            // a model folder to start from
    pipeline_data  data;            // batch [128]
    pipeline_place place;
    uint64_t       seed;
    uint32_t       epochs;          // [20]
    double         lr;              // [1e-3]
    double         weight_decay, clip;      // [0.05, 1]
    nn_recipe      recipe;          // smoothing [0.1], rates.warmup [1]
    const double  *mean, *std;      // (3) of the channels, pixels in 0..1; NULL = 0.5, or those of `init`
    bool           plain;           // no flips, transposes and shifts
    uint32_t       max_steps;       // stop after so many steps in all; 0 = no limit
    const pipeline_pruning *pruning;        // NULL = as `init` has it; with the policy none all tokens are kept
    double         keep;            // with a policy and no fixed gate: the keep ratio that is asked for
    bool           keep_last;       // the parameters of the last epoch, not those of the best on val
} pipeline_train_params;

#define PIPELINE_TRAIN_DEFAULTS { .data = { .batch = 128 }, .epochs = 20, .lr = 1e-3, \
    .weight_decay = 0.05, .clip = 1.0, .recipe = { .smoothing = 0.1, .rates = { .warmup = 1.0 } } }

typedef struct pipeline_train_result {
    json_t         *json;           // owned: what run.json has as its results; NULL unless the model was written
    nn_train_result train;
    nn_eval_result  val, test;      // images = 0 where there are no pictures
    distill_retain_result halted;   // with a policy that halts
    double          macs, kept_macs;        // with token pruning: multiply-adds of a picture, as in pipeline_retained
} pipeline_train_result;

// What can be said before a device is opened, and pipeline_train says too.
vkc_status pipeline_train_check(const pipeline_context *c, const pipeline_train_params *p);
// pipeline_train_finish the result, after a failure too. Errors: those of nn_train; E_ARG (architecture, run folder),
// E_FORMAT, E_IO.
vkc_status pipeline_train(const pipeline_context *c, const pipeline_train_params *p, pipeline_train_result *out);
void       pipeline_train_finish(pipeline_train_result *r);

#ifdef __cplusplus
}
#endif
#endif
