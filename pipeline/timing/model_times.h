// model_times.h — models timed against each other at several picture sizes.
#ifndef PIPELINE_MODEL_TIMES_H
#define PIPELINE_MODEL_TIMES_H

#include "nn/infer/infer.h"
#include "pipeline/timing/timing.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PIPELINE_SIZES 3
#define PIPELINE_MODELS 3           // at most, taking turns

typedef struct pipeline_model_time {
    uint32_t image, tokens;         // 0 tokens: did not fit on the device
    double   ms[PIPELINE_MODELS];   // a batch, median of several replays, wall time
    double   keep[PIPELINE_MODELS]; // share of patches that a block gets, as in nn_eval_result, of these pictures
    uint32_t repeats;
} pipeline_model_time;

// 1, 2 and 3 times the image side (height) of the model, and after them `more`, unless it is 0 or one of these.
// Returns how many.
uint32_t   pipeline_model_sizes(const nn_model_config *c, uint32_t more, uint32_t image[PIPELINE_SIZES + 1]);
// Time n models of these configs, all with random values, for pictures of each of these sizes, taking turns. What does
// not fit the device is left out, which is said.
vkc_status pipeline_time_models(const pipeline_context *c, const nn_model_config *const *cfg, uint32_t n,
                                uint32_t batch, uint64_t seed, const uint32_t *image, uint32_t n_sizes,
                                pipeline_model_time *out);
// A replay (timing.h) of the last batch of an nn_infer, which is its `user`.
vkc_status pipeline_replay_infer(void *infer, double *ms);

#ifdef __cplusplus
}
#endif
#endif
