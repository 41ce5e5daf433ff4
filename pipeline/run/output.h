// output.h — where pipelines and commands write their folders, and writing a model folder.
#ifndef PIPELINE_OUTPUT_H
#define PIPELINE_OUTPUT_H

#include "nn/base/destination.h"
#include "nn/models/model.h"
#include "pipeline/base/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pipeline_place {     // where a run writes
    const char *out;                // model folder; NULL = it makes no model
    const char *beside;             // a second model folder that it may write; NULL = none
    const char *run;                // run folder; NULL = `out` with ".run" behind it
    bool        resume;             // go on with what an earlier part of the run left
    bool        force;              // replace a model or run that is there
} pipeline_place;

#define PIPELINE_PATH_MAX 4096

// The run folder of a place. E_ARG when its path is too long.
vkc_status pipeline_place_run(const pipeline_place *p, char out[PIPELINE_PATH_MAX]);
// E_ARG unless a place can be written to (nn/base/destination.h), by a call that reads `input`: a model is replaced
// with `force` or `resume` alone. Whether a run that is there may be, pipeline_run_open says.
vkc_status pipeline_check_place(const pipeline_context *c, const pipeline_place *p, const char *const *input,
                                uint32_t n);
// Write the model folder: weights first, config.json and the rest after, so that a folder with a config is whole.
// `card` is its README.md; may be NULL.
vkc_status pipeline_save_model(const nn_model *m, const nn_model_config *cfg, const char *dir, const char *card);
// A model folder of which only a part was written: weights without the pare.json that says whose they are. Its lock
// stays, so that the next call may write there.
bool pipeline_is_partial(const char *dir);

#ifdef __cplusplus
}
#endif
#endif
