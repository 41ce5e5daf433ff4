// card.h — the README.md of a model folder: what the model is and where its figures come from.
#ifndef CLI_CARD_H
#define CLI_CARD_H

#include "apps/cli/distill/measure.h"

typedef struct card {
    const nn_model_config *cfg;
    const char *dir;                // its last part is the title
    const char *data;
    uint64_t    params;
    const json_t *provenance;       // app_provenance
    double      seconds;
    const nn_eval_result *val, *test;   // NULL = not measured; `data` may then be NULL too
    const char *more;               // Markdown behind the figures; NULL = none
} card;

// Markdown on the heap, or NULL when memory is short.
char *card_build(const card *c);

#endif
