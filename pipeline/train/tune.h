// tune.h — the whole of pare tune: train a student end to end, with a teacher or without, measure and write it.
#ifndef PIPELINE_TUNE_H
#define PIPELINE_TUNE_H

#include "pipeline/base/measure.h"
#include "pipeline/run/run.h"
#include "pipeline/timing/costs.h"
#include "pipeline/train/tuning.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pipeline_tune_params {
    const char     *student, *teacher;      // model folders; teacher NULL = it learns from the labels alone
    pipeline_data   data;           // batch [64]
    pipeline_place  place;
    pipeline_tuning tuning;         // PIPELINE_TUNING_DEFAULTS(1)
    uint64_t        seed;
    uint32_t        max_steps;      // stop after so many steps in all; 0 = no limit
    bool            plain;          // no flips, transposes and shifts
    uint32_t        timing_batch;   // pictures at once when timing [4]
    bool            no_timing;      // do not time teacher and student
} pipeline_tune_params;

#define PIPELINE_TUNE_DEFAULTS { .data = { .batch = 64 }, .tuning = PIPELINE_TUNING_DEFAULTS(1), .timing_batch = 4 }

typedef struct pipeline_tune_result {
    json_t             *json;       // owned: what run.json has as its results; NULL unless the model was written
    uint32_t            depth;
    distill_tune_result train;
    nn_eval_result      val, test, teacher_val, teacher_test;   // images = 0 where there is no such figure
    pipeline_costs      costs;      // of both, the teacher's if there is one
} pipeline_tune_result;

// What can be said before a device is opened, and pipeline_tune says too.
vkc_status pipeline_tune_check(const pipeline_context *c, const pipeline_tune_params *p);
// pipeline_tune_finish the result, after a failure too. Errors: those of distill_tune; E_ARG (run folder), E_IO.
vkc_status pipeline_tune(const pipeline_context *c, const pipeline_tune_params *p, pipeline_tune_result *out);
void       pipeline_tune_finish(pipeline_tune_result *r);

#ifdef __cplusplus
}
#endif
#endif
