// output.h — model folders that a pipeline or a command writes.
#ifndef PIPELINE_OUTPUT_H
#define PIPELINE_OUTPUT_H

#include "nn/models/model.h"
#include "pipeline/base/context.h"

#ifdef __cplusplus
extern "C" {
#endif

// E_ARG unless `dir` can become a new model folder: it is not there, is empty, or `force` is set.
vkc_status pipeline_check_output(const pipeline_context *c, const char *dir, bool force);
// Write the model folder: weights first, config.json and the rest after, so that a folder with a config is whole.
// `card` is its README.md; may be NULL.
vkc_status pipeline_save_model(const nn_model *m, const nn_model_config *cfg, const char *dir, const char *card);

#ifdef __cplusplus
}
#endif
#endif
