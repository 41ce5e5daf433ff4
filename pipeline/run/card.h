// card.h — the README.md of a model folder: what the model is and where its figures come from.
#ifndef PIPELINE_CARD_H
#define PIPELINE_CARD_H

#include "nn/infer/eval.h"

#include <jansson.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pipeline_card {
    const nn_model_config *cfg;
    const char *dir;                // its last part is the title
    const char *data;
    uint64_t    params;
    const json_t *provenance;       // pipeline_provenance
    double      seconds;
    const nn_eval_result *val, *test;   // NULL = not measured; `data` may then be NULL too
    const char *more;               // Markdown behind the figures; NULL = none
} pipeline_card;

// Markdown on the heap, or NULL when memory is short.
char *pipeline_card_build(const pipeline_card *c);

#ifdef __cplusplus
}
#endif
#endif
