// prune.h — the whole of pare prune: train recurrent mixers with a group sparsity penalty, prune their small hidden
// units, tune the rest, measure it, write it.
#ifndef PIPELINE_PRUNE_H
#define PIPELINE_PRUNE_H

#include "distill/prune/prune.h"
#include "pipeline/timing/model_times.h"
#include "pipeline/train/tune.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pipeline_prune_params {
    pipeline_tune_params tune;      // of both trainings
    distill_prune_params how;       // what is cut; threshold [0.1], multiple [4]
    double   decay;                 // weight of the group Hoyer-square before the cut [5e-5]
    uint32_t shrink_epochs;         // of training with it; 0 = none [1]
    uint32_t timing_batch;          // pictures at once when timing [4]
    bool     no_tune, no_timing;    // no training after the cut; do not time the models
} pipeline_prune_params;

#define PIPELINE_PRUNE_DEFAULTS { .tune = PIPELINE_TUNE_DEFAULTS, .how = { .threshold = 0.1, .multiple = 4 }, \
    .decay = 5e-5, .shrink_epochs = 1, .timing_batch = 4 }

typedef struct pipeline_prune_result {
    json_t             *json;       // owned: what run.json has as its results; NULL unless the model was written
    uint32_t            depth;
    distill_prune_layer layer[NN_MAX_DEPTH];
    distill_tune_result shrink, tune;
    nn_split            split;      // of the figures
    nn_eval_result      before, cut, after;
    uint64_t            params_before, params;
    pipeline_model_time time[PIPELINE_SIZES];   // of before and after; tokens 0 = not timed
} pipeline_prune_result;

// pipeline_tune_check(c, &p->tune) is what can be said before a device is opened. pipeline_prune_finish the result,
// after a failure too. Errors: those of distill_prune and distill_tune; E_ARG (run folder), E_IO.
vkc_status pipeline_prune(const pipeline_context *c, const pipeline_prune_params *p, pipeline_prune_result *out);
void       pipeline_prune_finish(pipeline_prune_result *r);

#ifdef __cplusplus
}
#endif
#endif
