// model_config_impl.h — token retention in pare.json, what model_config_load.c asks of model_config_retention.c.
#ifndef NN_MODEL_CONFIG_IMPL_H
#define NN_MODEL_CONFIG_IMPL_H

#include "nn/model_config.h"

#ifdef __cplusplus
extern "C" {
#endif

// The object "retention" of pare.json's root, of a model whose depth is known; without one, none.
vkc_status nn__retention_read(const char *where, struct json_t *root, nn_model_config *c);

#ifdef __cplusplus
}
#endif
#endif
