// model_kinds.c — the table of the kinds of model, from models.def.
#include "nn/models/model_kind.h"

#include <string.h>

static const nn_model_kind *const kinds[] = {
#define NN_MODEL(NAME, name) [NN_MODEL_##NAME] = &nn_model_kind_##name,
#include "nn/models/models.def"
#undef NN_MODEL
};

const nn_model_kind *nn_model_kind_find(const char *architecture, nn_model_type *type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i]->read_config && strncmp(architecture, "pare_", 5) == 0 &&
            strcmp(architecture + 5, kinds[i]->name) == 0) {
            *type = (nn_model_type) i;
            return kinds[i];
        }
    return NULL;
}

const nn_model_kind *nn_model_kind_of(const nn_model_config *cfg)
{
    return kinds[cfg->type];
}
