// export.h — a model of any supported format written as a model folder, which timm and transformers read too.
#ifndef PIPELINE_EXPORT_H
#define PIPELINE_EXPORT_H

#include "nn/models/model.h"
#include "pipeline/base/context.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pipeline_export_params {
    const nn_model *model;
    const char *from;               // what it was loaded from, for the card
    const char *out;                // model folder to write
    uint64_t    seed;
    bool        force;              // replace a model that is there
    bool        is_random;          // its values are random, of the architecture `from`
} pipeline_export_params;

// Figures and provenance that came with the model stay. Errors: E_ARG (the folder is there), E_IO, E_NOMEM.
vkc_status pipeline_export(const pipeline_context *c, const pipeline_export_params *p);

#ifdef __cplusplus
}
#endif
#endif
