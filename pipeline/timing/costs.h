// costs.h — what a teacher and its student cost, whole and layer by layer: parameters, multiply-adds, time.
//
// A module is what a replacement changes: the mixer of a layer and its output projection, without norms and MLP.
// Multiply-adds are those with all tokens. Times are of a batch, medians of replays in turn (timing.h): of a module
// device time, with all tokens; of a whole model wall time, with what tokens it drops.
#ifndef PIPELINE_COSTS_H
#define PIPELINE_COSTS_H

#include <jansson.h>

#include "pipeline/timing/model_times.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { PIPELINE_TEACHER, PIPELINE_STUDENT, PIPELINE_FORWARD, PIPELINE_COSTS };     // FORWARD: the student, with every
                                                                                   // direction=both made forward
typedef struct pipeline_layer_cost {
    char     mixer[24];
    uint64_t params, macs;          // of the module; macs a picture
    double   ms;                    // NaN = not timed
    bool     is_both;               // does it go in both directions?
} pipeline_layer_cost;

typedef struct pipeline_model_cost {
    bool     is_there;
    uint32_t depth;
    uint64_t params, macs;
    double   ms;                    // end to end; NaN = not timed
    pipeline_layer_cost layer[NN_MAX_DEPTH];
} pipeline_model_cost;

typedef struct pipeline_costs {     // some ten KiB
    uint32_t image, tokens, batch;
    bool     is_timed;
    pipeline_model_cost of[PIPELINE_COSTS];
} pipeline_costs;

typedef struct pipeline_costs_params {
    const nn_model *teacher, *student;      // teacher NULL = none
    uint32_t batch;                 // pictures at once when timing; 0 = 4
    uint64_t seed;
    bool     no_timing;
    // Whole models that were timed before at this size, as pipeline_time_models does with the configs of
    // pipeline_costs_configs; NULL = not yet.
    const pipeline_model_time *known;
} pipeline_costs_params;

// Configs to be timed together: `teacher`, `student` and, where it has a mixer that goes in both directions,
// `forward` filled in as the student in one, which is finished by the caller then (zeroed else). Returns how many.
// Errors: E_NOMEM.
vkc_status pipeline_costs_configs(const nn_model_config *teacher, const nn_model_config *student,
                                  nn_model_config *forward, const nn_model_config *cfg[PIPELINE_MODELS], uint32_t *n);
// At the models' own picture size. What does not fit the device is not timed, which is said. Errors: E_NOMEM,
// E_STOPPED, device errors.
vkc_status pipeline_costs_measure(const pipeline_context *c, const pipeline_costs_params *p, pipeline_costs *out);
// {image, tokens, batch, teacher, student, student_forward}, of these {params, macs, ms, layers: [{mixer, params, macs,
// ms}]}, null for what is not there or was not timed.
json_t    *pipeline_costs_json(const pipeline_costs *c);

#ifdef __cplusplus
}
#endif
#endif
