// schedule.h — replacing named layers without a search: which, how many at a time, in what order, and what each step
// left.
//
// A schedule replaces K layers, trains them (the transfer, then the tuning with all that was replaced so far), measures
// the student on val, and goes on with the next K, until none of the layers is left.
#ifndef PIPELINE_SCHEDULE_H
#define PIPELINE_SCHEDULE_H

#include "distill/transfer/tune.h"
#include "nn/infer/eval.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PIPELINE_SCHEDULE_ALL UINT32_MAX        // as many layers at a time as there are

typedef enum pipeline_schedule_order {
    PIPELINE_SCHEDULE_SHALLOW,      // from the first block to the last
    PIPELINE_SCHEDULE_DEEP,         // from the last to the first
    PIPELINE_SCHEDULE_SPARSE,       // the sparsest attention first: the least entropy over all keys, of equal ones the
                                    // first block
    PIPELINE_N_SCHEDULE_ORDERS
} pipeline_schedule_order;
const char *pipeline_schedule_order_name(pipeline_schedule_order o);            // "shallow", "deep", "sparse"
// E_ARG with the names that there are.
vkc_status pipeline_schedule_order_get(const char *name, pipeline_schedule_order *out);
// "all" or "sequential:K", K layers at a time. E_ARG in words.
vkc_status  pipeline_schedule_read(const char *text, uint32_t *out);

typedef struct pipeline_step {
    uint32_t layer[NN_MAX_DEPTH], n;            // replaced in this step, in the order of the schedule
    uint64_t transfer_steps, tune_steps;        // of training
    double   loss;                  // of the tuning, or else of the transfer; mean over the last epoch; NaN = none
    double   val_top1, val_loss;    // of the student then
} pipeline_step;

#ifdef __cplusplus
}
#endif
#endif
