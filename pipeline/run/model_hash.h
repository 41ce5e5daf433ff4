// model_hash.h — a checksum of a model, so that a run is not resumed with another.
#ifndef PIPELINE_MODEL_HASH_H
#define PIPELINE_MODEL_HASH_H

#include "nn/models/config/model_config.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PIPELINE_HASH_MAX 24

// Of the weights in the folder, the retention of `cfg` and, if asked for, its mixers: 16 hexadecimal digits (FNV-1a).
vkc_status pipeline_model_hash(const char *dir, const nn_model_config *cfg, bool with_mixers,
                               char out[PIPELINE_HASH_MAX]);

#ifdef __cplusplus
}
#endif
#endif
