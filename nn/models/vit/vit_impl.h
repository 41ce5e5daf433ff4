// vit_impl.h — what making a model shares with loading one.
#ifndef NN_VIT_IMPL_H
#define NN_VIT_IMPL_H

#include "nn/models/vit/vit.h"

#ifdef __cplusplus
extern "C" {
#endif

// The names and shapes of a config's parameters, and no memory for their values yet: nn_params_alloc.
vkc_status nn__vit_create_empty(vkc_device *dev, const nn_model_config *cfg, nn_vit **out);

#ifdef __cplusplus
}
#endif
#endif
