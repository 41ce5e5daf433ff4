// model_kinds.c — the table of the kinds of model, from models.def.
#include "nn/models/model_kind.h"

static const nn_model_kind *const kinds[] = {
#define NN_MODEL(NAME, name) [NN_MODEL_##NAME] = &nn_model_kind_##name,
#include "nn/models/models.def"
#undef NN_MODEL
};

const nn_model_kind *nn_model_kind_of(const nn_model_config *cfg)
{
    return kinds[cfg->type];
}
