// measure.h — the pictures that a pipeline reads, and the accuracy of a model on a split of them.
#ifndef PIPELINE_MEASURE_H
#define PIPELINE_MEASURE_H

#include "nn/data/class_map.h"
#include "nn/infer/eval.h"
#include "pipeline/base/context.h"

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pipeline_finite {      // whether to look for the first mixer that reads or gives a NaN or an infinity
    PIPELINE_FINITE_USUAL,          // while training
    PIPELINE_FINITE_ALWAYS,
    PIPELINE_FINITE_NEVER
} pipeline_finite;

typedef struct pipeline_data {
    const nn_dataset *set;
    uint32_t batch;                 // pictures at once
    uint32_t threads;               // that decode; 0 = as many as cores
    uint32_t limit;                 // judge at most so many; 0 = all
    pipeline_finite finite;
    nn_labels labels;               // how class folders are matched with a model's classes
    bool     any_teacher;           // go on with a teacher that is no better than chance
} pipeline_data;

// `usual` in a call that looks for them by default.
bool       pipeline_is_checked(const pipeline_data *d, bool usual);

// E_ARG with a sentence unless there is a data set.
vkc_status pipeline_check_data(const pipeline_data *d);

// Test, or val where there is no test: what a finished model is judged by.
nn_split   pipeline_final_split(const nn_dataset *set);

// Accuracy on a split; images = 0 when the data set has no pictures there. Broken ones are named.
vkc_status pipeline_measure(const pipeline_context *c, const nn_model *m, const pipeline_data *d, nn_split split,
                            nn_eval_result *out);
// Warn of the first broken pictures of a split, by name, of those that were read; `bad` is how many, 0 = do nothing.
void       pipeline_name_bad(const pipeline_context *c, const nn_dataset *set, nn_split split, uint32_t bad);

#ifdef __cplusplus
}
#endif
#endif
