// load.h — models of a pipeline's folders, with what there is to say about how they were read.
//
// Thread-safety: as the context.
#ifndef PIPELINE_LOAD_H
#define PIPELINE_LOAD_H

#include "nn/models/model.h"
#include "pipeline/base/context.h"

#ifdef __cplusplus
extern "C" {
#endif

// Tell the notes of a config, each as a PIPELINE_NOTE.
void       pipeline_say_notes(const pipeline_context *c, const nn_model_config *cfg);
// nn_model_load, and its notes.
vkc_status pipeline_load_model(const pipeline_context *c, const char *dir, bool trainable, nn_model **out);

#ifdef __cplusplus
}
#endif
#endif
