// model_config_impl.h — token retention in pare.json: what model_config_load.c and model_config_save.c share with
// model_config_retention.c.
#ifndef NN_MODEL_CONFIG_IMPL_H
#define NN_MODEL_CONFIG_IMPL_H

#include "nn/model_config.h"

#ifdef __cplusplus
extern "C" {
#endif

// The object "retention" of pare.json's root, of a model whose depth is known; without one, none.
vkc_status nn__retention_read(const char *where, struct json_t *root, nn_model_config *c);
// A new reference; NULL when every token goes on.
struct json_t *nn__retention_build(const nn_model_config *c);

#ifdef __cplusplus
}
#endif
#endif
