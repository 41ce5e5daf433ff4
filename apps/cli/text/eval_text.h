// eval_text.h — pare eval of a language model: its loss over texts.
#ifndef CLI_EVAL_TEXT_H
#define CLI_EVAL_TEXT_H

#include "apps/cli/core/app.h"
#include "nn/models/config/model_config.h"

typedef struct eval_text {
    const common_args *common;
    const char *model, *data;       // folder; file or folder of texts
    const nn_model_config *cfg;     // of the model
    uint32_t context, row, batch;   // tokens of a window, of a text in files of ids, windows at a time; 0 = as usual
    uint32_t limit;                 // texts; 0 = all
} eval_text;

vkc_status eval_text_run(const eval_text *e);

#endif
