// save.h — the last step of a run: its model folder, with figures, provenance and a card, and then run.json.
#ifndef PIPELINE_SAVE_H
#define PIPELINE_SAVE_H

#include "nn/infer/eval.h"
#include "pipeline/run/run.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pipeline_saved {     // a model that a run has made
    const nn_model *model;
    const char *out;                // folder to write
    const nn_dataset *data;         // where the pictures are from; what there is to say of it joins the result
    json_t     *result;             // borrowed: the figures of pare.json and run.json
    double      seconds;            // of training; 0 = none
    bool        keep_seconds;       // in the model's provenance too
    const nn_eval_result *val, *test;   // NULL = not measured
    const char *more;               // Markdown for the card, behind the figures; NULL = none
} pipeline_saved;

// A config to save: `from` with this run's provenance, inputs among it, and `measured` (borrowed, may be NULL) for its
// figures. nn_model_config_finish it, after a failure too.
vkc_status pipeline_run_make_config(const pipeline_run *r, const nn_model_config *from, json_t *measured,
                                    nn_model_config *out);
// Write the model folder, then finish the run with the result.
vkc_status pipeline_run_save(pipeline_run *r, const pipeline_saved *s);

#ifdef __cplusplus
}
#endif
#endif
